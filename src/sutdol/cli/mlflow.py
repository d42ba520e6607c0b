"""`sutdol mlflow`: tell an MLflow server what happened here, and say what it was told."""

from collections.abc import Mapping

from cyclopts import App

from sutdol.cli.output import Json, note, opened, say, write_json

app = App(
    name="mlflow",
    help="Mirror runs, versions and aliases to an MLflow server.",
    help_format="plaintext",
    help_epilogue="",
)


@app.command
def sync(*, again: bool = False, json: Json = None) -> None:
    """Tell MLflow what it was not told yet; doing so twice changes nothing there.

    Exits with 1 when the server is away or refuses something.

    Where the server is stands in MLFLOW_TRACKING_URI.

    Example: sutdol mlflow sync

    Parameters
    ----------
    again
        Tell everything, such as after something was deleted there.
    """
    with opened() as sutdol:
        done = sutdol.mirror().sync(again=again)
    write_json({"told": dict(done.told), "left": done.left, "refused": list(done.refused)}, json)
    if json != "-":
        say(f"told: {_counted(done.told)}")
        say(f"left: {done.left}")
    for reason in done.refused:
        note(reason)
    if done.refused:
        raise SystemExit(1)


@app.command
def status(*, json: Json = None) -> None:
    """Whether the server answers, what it was told, and what is left.

    Exits with 1 when it does not answer.

    Example: sutdol mlflow status
    """
    with opened() as sutdol:
        found = sutdol.mirror().state()
    shown = {
        "server": found.where,
        "answers": found.trouble is None,
        "trouble": found.trouble,
        "told": dict(found.told),
        "left": found.left,
        "last": found.last.isoformat() if found.last else None,
    }
    write_json(shown, json)
    if json != "-":
        say(f"server: {found.where} {'answers' if found.trouble is None else 'does not answer'}")
        say(f"told: {_counted(found.told)}")
        say(f"left: {found.left}")
        say(f"last told: {found.last.isoformat()[:19] if found.last else 'never'}")
    if found.trouble is not None:
        note(found.trouble)
        raise SystemExit(1)


def _counted(told: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in told.items()) or "nothing"
