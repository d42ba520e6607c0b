"""`sutdol demo`: ten rounds on the bundled texts, with a page and a curve to look at."""

import shutil

from sutdol.cli.output import Count, Json, Seed, note, opened, say


def demo(*, rounds: Count = 10, seed: Seed = 0, json: Json = None) -> None:
    """Ten rounds in a home of their own; the help stands in root.py."""
    from sutdol.cli.arena import battle_pages
    from sutdol.cli.fight import fight
    from sutdol.core.settings import Settings

    home = Settings.load().home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    with opened(home=home, database_url=f"sqlite:///{home}/sutdol.db") as sutdol:
        note("taking in the bundled texts (about 12,000, English and Korean)")
        sutdol.take_in_bundled()
        plan = sutdol.plan(rounds=rounds, seed=seed)
        result = fight(sutdol, plan.args() | {"data": []}, json=json)
        pages = battle_pages(result, home)
        for path in pages:
            say(f"wrote {path}") if json != "-" else note(f"wrote {path}")
