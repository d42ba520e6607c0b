"""`sutdol db`: bring the database to a revision, look for damage, copy it to another one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cyclopts import App

from sutdol.cli.output import Json, console, is_terminal, note, say, write_json
from sutdol.core.errors import Refused, UnknownName

if TYPE_CHECKING:
    from sutdol.core.settings import Settings
    from sutdol.storage.copy import Progress

app = App(
    name="db",
    help="Upgrade, check and copy the database.",
    help_format="plaintext",
    help_epilogue="",
)


@app.command
def upgrade(*, to: str | None = None, yes: bool = False, json: Json = None) -> None:
    """Bring the tables to the newest revision.

    Every command does so by itself; this one does it when you choose, and says what it did.
    To go back to an older release, downgrade with --to before you install it: newer commands
    upgrade again.

    Example: sutdol db upgrade
    Example: sutdol db upgrade --to 0001 --yes

    Parameters
    ----------
    to
        Another revision than the newest.
    yes
        Allow a downgrade, which drops what the older tables cannot hold.
    """
    from sutdol.storage import migrations
    from sutdol.storage.database import Database

    if to is not None and to not in migrations.revisions():
        raise UnknownName("revision", to, migrations.revisions())
    settings = _settings()
    wait = settings.database_wait
    with Database.prepare(settings.database_url, settings.home, wait=wait) as db:
        before = db.revision()
        if to is not None and before is not None and to < before and not yes:
            raise Refused(
                f"Revision {to} is older than {before} and drops what its tables cannot hold:"
                " back up first, then add --yes."
            )
        db.migrate(to)
        after = db.revision()
    write_json({"from": before, "to": after}, json)
    if json != "-":
        say(f"{db.where}: revision {before or 'none'} -> {after}")


@app.command
def check(*, json: Json = None) -> None:
    """Look for damage in the database and in the files that it names.

    Tables, keys that point nowhere, and each model, report and upload against its checksum. Exits
    with 1 when something is broken; changes nothing.

    Example: sutdol db check
    """
    from dataclasses import asdict

    from sutdol.storage import check
    from sutdol.storage.database import Database

    settings = _settings()
    with Database.found(settings.database_url, wait=settings.database_wait) as db:
        found = check.check(db, settings.home)
    write_json([asdict(one) for one in found], json)
    if json != "-":
        for one in found:
            say(f"{one.state:8} {one.name:22} {one.text}")
    if any(one.state == "broken" for one in found):
        raise SystemExit(1)


@app.command
def copy(source: str, target: str, /, *, json: Json = None) -> None:
    """Copy every row from one database to another, empty one; SQLite or PostgreSQL, either way.

    The copy shows one moment: work may go on meanwhile, and what it adds stays behind. It is
    counted and hashed on both sides; whatever happens, the target holds all rows or none.
    Models, reports and uploads are files of the home and are not touched; unfinished flows stay
    behind.

    Example: sutdol db copy sqlite:///.sutdol/sutdol.db postgresql://me@localhost/sutdol

    Parameters
    ----------
    source
        URL of the database to read.
    target
        URL of the database to fill; a SQLite file is made, a PostgreSQL database must exist.
    """
    from dataclasses import asdict

    from sutdol.storage import copy
    from sutdol.storage.database import Database

    old, new = _settings(source), _settings(target)
    with (
        Database.found(old.database_url, wait=old.database_wait) as full,
        Database.open(new.database_url, new.home, wait=new.database_wait) as empty,
        _progress() as progress,
    ):
        copied = copy.copy(full, empty, progress)
    write_json([asdict(one) for one in copied], json)
    if json == "-":
        return
    width = max(len(one.table) for one in copied)
    say(f"{'table':{width}} | {'rows':>9} | hash")
    for one in copied:
        say(f"{one.table:{width}} | {one.rows:9} | {one.hash}")
    note(f"{sum(one.rows for one in copied)} rows are the same on both sides")


def _settings(url: str | None = None) -> "Settings":
    from sutdol.core.settings import Settings

    return Settings.load(database_url=url)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A bar on a terminal, and nothing elsewhere."""
    if not is_terminal(to_stderr=True):
        yield lambda *_: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=console(to_stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda table, rows, total: bar.update(
            task, description=table, completed=rows, total=total
        )
