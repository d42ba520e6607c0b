"""`sutdol backup` and `sutdol restore`: everything in one file, and back again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sutdol.cli.output import Json, Output, console, is_terminal, note, say, write_json

Progress = Callable[[int, int], None]


def backup(file: Output, /, *, json: Json = None) -> None:
    """Everything into one file, while others go on working; the help stands in root.py."""
    from sutdol.core.settings import Settings
    from sutdol.storage.backup import backup as pack

    settings = Settings.load()
    with _shown("backing up") as progress:
        made = pack(
            settings.database_url, settings.home, file, now=datetime.now(UTC), progress=progress
        )
    write_json({"file": str(file), **_summary(made)}, json)
    if json != "-":
        say(f"wrote {file}: {_counted(made)}")
    if not settings.database_url.startswith("sqlite"):
        note("Flows are not part of it: with PostgreSQL they live in its schema dbos.")
    for lost in made.missing:
        note(f"The {lost} was gone or damaged before: `sutdol db check` tells more.")
    if made.missing:
        raise SystemExit(1)


def restore(file: Path, /, *, force: bool = False, json: Json = None) -> None:
    """Everything from a file of `sutdol backup`; the help stands in root.py.

    Parameters
    ----------
    force
        Move a home that is not empty aside, to <home>.before-restore-<n>.
    """
    from sutdol.core.settings import Settings
    from sutdol.storage.restore import restore as unpack

    settings = Settings.load()
    with _shown("restoring") as progress:
        done = unpack(
            file,
            settings.database_url,
            settings.home,
            now=datetime.now(UTC),
            force=force,
            progress=progress,
        )
    aside = None if done.aside is None else str(done.aside)
    write_json(
        {"home": str(settings.home), "aside": aside, "flows": done.flows} | _summary(done.manifest),
        json,
    )
    if json != "-":
        taken = f"{done.manifest.created_at:%Y-%m-%d %H:%M} UTC"
        say(f"restored {settings.home} as of {taken}: {_counted(done.manifest)}")
    if aside:
        note(f"What was there before is in {aside}")
    for lost in done.manifest.missing:
        note(f"The {lost} was gone or damaged when the backup was taken.")
    if done.manifest.rows.get("user"):
        note(
            "Keys that were revoked and users that were disabled since then are valid again, and"
            " passwords are as they were: see `sutdol keys list` and `sutdol users list`."
        )


def _summary(made: Any) -> dict[str, Any]:
    whole: dict[str, Any] = made.json()
    whole |= {"files": len(made.files), "bytes": made.size}
    return whole


def _counted(made: Any) -> str:
    rows = sum(made.rows.values())
    return (
        f"{rows:,} rows, {made.count('models')} models, {made.count('reports')} reports,"
        f" {made.size / 1e6:,.1f} MB unpacked"
    )


@contextmanager
def _shown(what: str) -> Iterator[Progress]:
    """A bar on a terminal, and nothing elsewhere."""
    if not is_terminal(to_stderr=True):
        yield lambda *_: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = TextColumn(what), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console(to_stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
