"""`sutdol loop`: improve, judge, promote, go back, and tell where a model comes from."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from sutdol.cli.output import Count, Folder, Json, Seed, note, opened, percent, say, write_json
from sutdol.core.errors import UsageError

if TYPE_CHECKING:
    from sutdol.app import Sutdol

app = App(
    name="loop", help="Improve, judge, promote, go back.", help_format="plaintext", help_epilogue=""
)


@app.command
def improve(role: str, *, dry_run: bool = False, seed: Seed = 0, json: Json = None) -> None:
    """Train a challenger on all there is to learn and let the gate judge it.

    A dry run promotes nothing but costs a look all the same: looking is what the budget pays for.

    Example: sutdol loop improve guard
    """
    from sutdol.cli.turn import instead
    from sutdol.core.errors import NotReady
    from sutdol.flow.desk import Desk
    from sutdol.loop import live
    from sutdol.storage import verdicts

    args = {"role": role, "seed": seed, "dry_run": dry_run, "wait": False}
    with opened() as sutdol:
        shop = sutdol.workshop(role)
        live.champion(shop)  # said at once when there is none
        with Desk(sutdol.place) as desk:
            going = [one for one in desk.unfinished("cycle") if one.args.get("role") == role]
        ended = _turn(sutdol, [one.id for one in going], args)
        if "busy" in ended:
            ended = instead(sutdol, role, ended["busy"], _show)
        if "verdict" not in ended:
            raise NotReady(f"The {role} was founded meanwhile; there is nothing new to judge.")
        with sutdol.db.read() as tx:
            stored = verdicts.get(tx, ended["verdict"])
    write_json(stored.told(), json)
    if json != "-":
        say(f"{stored.decision}: {stored.reason}")
        say(f"{stored.challenger if ended['promoted'] else stored.champion} is the champion")
        note(f"Report: sutdol loop show {stored.id}")


def _turn(sutdol: "Sutdol", going: list[str], args: dict[str, Any]) -> Any:
    """Follow the turn that is under way, or take one."""
    from sutdol.cli.running import resume, run

    if going:
        return resume(sutdol, going[0], _show)
    return run(sutdol, "cycle", args, _show)


def _show(event: dict[str, Any]) -> None:
    if "stage" in event:
        note(f"{event['stage']}…")


@app.command
def status(*, json: Json = None) -> None:
    """What reigns, what waits, and how much error budget is spent.

    Example: sutdol loop status --json -
    """
    from sutdol.loop import overview

    with opened() as sutdol:
        found = {name: overview.status(shop) for name, shop in sutdol.workshops.items()}
    write_json(found, json)
    if json == "-":
        return
    for role, state in found.items():
        say(
            f"{role}: champion {state['champion'] or 'none'},"
            f" challenger {state['challenger'] or 'none'}, {state['examples']} examples"
        )
        budget = state["budget"]
        say(
            f"  looks since the last promotion: {budget['position']},"
            f" the next may spend {budget['next_alpha']:.4f}"
        )
        exam = state["exam"]
        if exam:
            say(f"  {exam['id']}: {exam['texts']} texts, looked at {exam['looks']} of 20 times")


@app.command
def history(role: str, *, json: Json = None) -> None:
    """Every verdict and every change of champion, oldest first.

    Example: sutdol loop history guard
    """
    from sutdol.loop import overview

    with opened() as sutdol:
        rows = overview.history(sutdol.workshop(role))
    write_json(rows, json)
    if json == "-":
        return
    for row in rows:
        say(f"{row['at'][:19]} {row['what']:12} {row['text']}")
    if not rows:
        note(f"Nothing happened to the {role} yet.")


@app.command
def show(verdict: str, *, json: Json = None) -> None:
    """A verdict with its numbers, and where its page lies.

    Example: sutdol loop show guard-1a2b3c4d5e6f
    """
    from sutdol.loop import report
    from sutdol.storage import verdicts

    with opened() as sutdol:
        with sutdol.db.read() as tx:
            stored = verdicts.get(tx, verdict)
        page = report.folder(sutdol.settings.home, verdict) / "report.html"
    write_json(stored.told(), json)
    if json == "-":
        return
    say(f"{stored.decision}: {stored.challenger} against {stored.champion}")
    say(stored.reason)
    for check in stored.body["guard_rails"]:  # type: ignore[attr-defined]
        if check["kind"] != "alarm" or check["state"] == "breached":
            say(
                f"  {check['state']:10} {check['name']} against the {check['against']}:"
                f" {percent(check['champion'])} -> {percent(check['challenger'])},"
                f" n {check['n']}"
            )
    note(f"Page: {page}")


@app.command
def verify(verdict: str, *, rescore: bool = False, json: Json = None) -> None:
    """Recompute a verdict from its stored scores; with --rescore from the models.

    Exits with 1 when it does not come out the same.

    Example: sutdol loop verify guard-1a2b3c4d5e6f --rescore
    """
    from sutdol.loop.verify import verify as recompute
    from sutdol.storage import verdicts

    with opened() as sutdol:
        with sutdol.db.read() as tx:
            role = verdicts.get(tx, verdict).role
        found = recompute(sutdol.workshop(role), verdict, rescore=rescore)
    write_json(
        {
            "verdict": verdict,
            "agrees": found.agrees,
            "decision": found.decision,
            "differences": list(found.differences),
        },
        json,
    )
    if json != "-":
        say(f"{'agrees' if found.agrees else 'DISAGREES'}: {found.decision}")
        for difference in found.differences:
            say(f"  {difference}")
    if not found.agrees:
        raise SystemExit(1)


@app.command
def rollback(role: str, *, reason: str = "asked for", json: Json = None) -> None:
    """Return to the previous champion; its model is proven to load first.

    Example: sutdol loop rollback guard --reason "complaints from users"
    """
    from time import perf_counter

    from sutdol.loop.promote import rollback as go_back

    with opened() as sutdol:
        started = perf_counter()
        done = go_back(sutdol.workshop(role), reason=reason)
        took = perf_counter() - started
    write_json({"champion": done.to_version, "replaced": done.from_version}, json)
    if json != "-":
        say(f"{done.to_version} is the champion again, in place of {done.from_version}")
    note(f"{1000 * took:.0f} ms")


@app.command
def lineage(version: str, *, json: Json = None) -> None:
    """Every snapshot and example behind a version, through all its ancestors.

    Example: sutdol loop lineage guard-v3 --json lineage.json
    """
    from sutdol.loop import overview
    from sutdol.storage import versions

    with opened() as sutdol:
        with sutdol.db.read() as tx:
            role = versions.get(tx, version).role
        found = overview.descent(sutdol.workshop(role), version)
    write_json(found, json)
    if json == "-":
        return
    for one in found["ancestors"]:
        say(f"{one['version']}  snapshot {str(one['snapshot'])[:12]}  {one['rows']} examples")
        for origin in one["origins"]:
            say(f"    {origin['rows']:7} {origin['kind']:9} {origin['source']}")
    note("All example ids: --json FILE")


@app.command
def forget(*, source: str, role: str = "guard", json: Json = None) -> None:
    """Erase the texts of a source, and say which versions learned from them.

    Example: sutdol loop forget --source feedback:web
    """
    from sutdol.loop import overview

    with opened() as sutdol:
        found = overview.forget(sutdol.workshop(role), source)
    write_json(found, json)
    if json == "-":
        return
    say(f"{found['forgotten']} texts forgotten")
    say(f"{found['feedback']} pieces of feedback erased")
    affected = ", ".join(found["retrain"]) or "none"
    say(f"versions that learned from them, to be trained again: {affected}")


@app.command
def sealed(role: str, *, purpose: str, json: Json = None) -> None:
    """Read the sealed texts: at most five times ever, on record, deciding nothing.

    Example: sutdol loop sealed guard --purpose "yearly report"

    Parameters
    ----------
    purpose
        Why; it stays on record.
    """
    from sutdol.loop.sealed import read_sealed

    if not purpose.strip():
        raise UsageError("--purpose is empty: a reading is spent for ever, say what for.")
    with opened() as sutdol:
        found: dict[str, Any] = read_sealed(sutdol.workshop(role), purpose=purpose)
    write_json(found, json)
    if json == "-":
        return
    say(f"{found['version']} on {found['texts']} sealed texts, 99 % intervals")
    for name, figure in found["figures"].items():
        low, high = percent(figure["low"]), percent(figure["high"])
        say(f"  {name}: {percent(figure['value'])} [{low}, {high}], n {figure['n']}")


@app.command
def export(snapshot: str, *, to: Folder = None, dvc: bool = False, json: Json = None) -> None:
    """Write the rows of a snapshot to SNAPSHOT.jsonl.gz: the same bytes whenever it is asked for.

    Example: sutdol loop export 9f86d081884c7d659a2feaa0c55ad015... --to data --dvc

    Parameters
    ----------
    snapshot
        Its whole hash, as `loop lineage --json -` says it.
    to
        The folder; the working folder unless given.
    dvc
        Write SNAPSHOT.jsonl.gz.dvc beside it, as `dvc add` would.
    """
    from sutdol.storage import dvc as pointers
    from sutdol.storage import snapshots

    with opened() as sutdol, sutdol.db.read() as tx:
        rows = snapshots.get(tx, snapshot).rows
        file = snapshots.export(tx, snapshot, to or Path())
    pointer = pointers.point(file) if dvc else None
    written = {"snapshot": snapshot, "rows": rows, "file": str(file)}
    write_json(written | {"pointer": str(pointer) if pointer else None}, json)
    if json != "-":
        say(str(file))
        if pointer:
            say(str(pointer))


@app.command
def prune(role: str, *, keep: Count = 5, dry_run: bool = False, json: Json = None) -> None:
    """Delete models that no way forward or back needs; their history stays.

    The champion, the challenger, every former champion and the newest versions keep their models.
    Snapshots older than a week that nothing refers to go as well.

    Example: sutdol loop prune guard --keep 10 --dry-run

    Parameters
    ----------
    keep
        How many of the newest versions keep their models.
    dry_run
        Say what would go, and delete nothing.
    """
    from dataclasses import asdict

    from sutdol.loop.prune import prune as clean

    with opened() as sutdol:
        found = clean(sutdol.workshop(role), keep=keep, dry_run=dry_run)
    write_json({"role": role, "dry_run": dry_run, **asdict(found)}, json)
    if json != "-":
        models = f"{len(found.versions)} models ({found.bytes / 1e6:,.1f} MB)"
        snapshots = f"{len(found.snapshots)} snapshots ({found.rows:,} rows)"
        say(f"{'would delete' if dry_run else 'deleted'} {models}, {snapshots}")
    if found.versions:
        note(f"Models: {', '.join(found.versions)}")
