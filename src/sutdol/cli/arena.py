"""`sutdol arena`: attackers against the guard."""

from pathlib import Path
from typing import Any

from cyclopts import App

from sutdol.cli.output import (
    Count,
    Files,
    Folder,
    Json,
    Seed,
    console,
    is_terminal,
    note,
    opened,
    say,
    write_json,
)

app = App(
    name="arena", help="Let attackers fight the guard.", help_format="plaintext", help_epilogue=""
)


@app.command
def attacks(*, json: Json = None) -> None:
    """List every attack with its family.

    Example: sutdol arena attacks
    """
    from sutdol.arena.catalogue import attacks as all_attacks

    listed = all_attacks()
    if json:
        write_json(listed, json)
    if json == "-":
        return
    for one in sorted(listed, key=lambda row: (row["group"], row["family"], row["attack"])):
        languages = ",".join(one["languages"])
        say(f"{one['attack']:20} {one['family']:16} {languages:6} {one['help']}")


@app.command
def attack(text: str, *, attack: str, seed: Seed = 0, json: Json = None) -> None:
    """Disguise a text.

    Example: sutdol arena attack "a harmless text" --attack homoglyph --seed 1
    Example: sutdol arena attack "a harmless text" --attack newline_split --json -

    Parameters
    ----------
    text
        The text, in quotes.
    attack
        One of those that `sutdol arena attacks` lists.
    """
    from random import Random

    from sutdol.arena.attack import ATTACKS
    from sutdol.arena.disguise import disguise

    chosen = ATTACKS[attack]
    rewritten = _rewritten(text, attack, seed) if chosen.group == "llm_generated" else None
    disguised = rewritten or disguise(chosen, text, Random(seed))
    write_json({"attack": attack, "seed": seed, "text": disguised}, json)
    if json != "-":
        say(disguised)


def _rewritten(text: str, attack: str, seed: int) -> str | None:
    """By the configured language model; None without one."""
    from sutdol.core.errors import EngineError

    with opened() as sutdol:
        rewrite = sutdol.rewrite()
    if rewrite is None:
        return None
    found = rewrite(attack, [text], seed)[0]
    if found is None:
        raise EngineError("The language model gave nothing usable: try another --seed.")
    return found


@app.command
def battle(
    *,
    data: Files | None = None,
    rounds: Count = 10,
    attack_strategy: str = "mixed",
    seed: Seed = 0,
    independent: Path | None = None,
    texts: Count | None = None,
    resume: str | None = None,
    report: Folder = None,
    json: Json = None,
) -> None:
    """Fight in rounds; the guard learns from what slips through, and the gate judges.

    A battle that was stopped, or whose process died, goes on with --resume at the round it was in.

    Example: sutdol arena battle --data en.jsonl.gz ko.jsonl.gz --rounds 10 --json battle.json
    Example: sutdol arena battle --resume last

    Parameters
    ----------
    data
        Labelled texts (JSONL, also gzipped, or CSV); without a guard one is trained on them first.
    attack_strategy
        mixed, unicode_evasion, korean_evasion, llm_generated, adaptive, a family or an attack.
    independent
        Another attacker's texts (id, original_id, text): the third curve.
    texts
        Texts attacked per round and language.
    resume
        The battle to go on with, by its id, or "last".
    report
        Folder for report.html and curve.svg.
    """
    from sutdol.cli.fight import fight, go_on

    with opened() as sutdol:
        if resume is not None:
            result = go_on(sutdol, resume, json=json)
        else:
            plan = sutdol.plan(
                rounds=rounds,
                attack_strategy=attack_strategy,
                seed=seed,
                independent=independent,
                texts=texts,
            )
            files = [str(path.absolute()) for path in data or []]
            result = fight(sutdol, plan.args() | {"data": files}, json=json)
        if report:
            for path in battle_pages(result, report):
                note(f"wrote {path}")


def battle_pages(battle: dict[str, Any], folder: Path) -> list[Path]:
    """Write the page and the picture of a battle."""
    from sutdol.arena.report import curve, page
    from sutdol.storage import files

    files.write(folder / "report.html", page(battle).encode())
    files.write(folder / "curve.svg", curve(battle["rounds"]).encode())
    return [folder / "report.html", folder / "curve.svg"]


@app.command
def selftest(*, data: Files | None = None, seed: Seed = 0, json: Json = None) -> None:
    """Prove that the gate refuses cheats: evasions only, flag-everything-odd, flipped labels.

    Uses its own throw-away home. Without --data it fights on the bundled texts.

    Example: sutdol arena selftest
    """
    from sutdol.cli.trial import trial

    results = trial(data or [], seed=seed, progress=note)
    write_json(results, json)
    if json != "-":
        for one in results:
            mark = "refused" if one["refused"] else "NOT REFUSED"
            say(f"{one['cheat']:28} {mark:12} {one['decision']}: {one['reason']}")
    if is_terminal(to_stderr=True):
        console(to_stderr=True).print("[dim]selftest done[/]")
    if not all(one["refused"] for one in results):
        raise SystemExit(1)
