"""`sutdol demo`: ten rounds on the bundled texts, with a page and a curve to look at."""

import shutil

from sutdol.cli.output import Count, Json, Seed, note, opened, say, write_json


def demo(*, rounds: Count = 10, seed: Seed = 0, json: Json = None) -> None:
    """Ten rounds in a home of their own; the help stands in root.py."""
    from sutdol.cli.arena import campaign_pages
    from sutdol.cli.fight import fight
    from sutdol.core.settings import Settings

    home = Settings.load().home / "demo"
    shutil.rmtree(home, ignore_errors=True)
    with opened(home=home, database_url=f"sqlite:///{home}/sutdol.db") as sutdol:
        note("training the first guard on the bundled texts (about 12,000, English and Korean)")
        sutdol.take_in_bundled()
        campaign = sutdol.campaign([], rounds=rounds, seed=seed)
        fight(campaign, rounds, to_stderr=json == "-")
        result = campaign.json()
        pages = campaign_pages(result, home)
        write_json(result, json)
        for path in pages:
            say(f"wrote {path}") if json != "-" else note(f"wrote {path}")
