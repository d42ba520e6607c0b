"""Bring a database to the tables this release knows; other releases' and other programs' databases
are refused.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from sutdol.core.errors import NotReady, UnknownName, UsageError
from sutdol.storage.tables import metadata

FOLDER = Path(__file__).parent
VERSION_TABLE = "sutdol_version"


def revisions() -> list[str]:
    """All revisions in order, by the names of their files; no need to import Alembic for it."""
    return sorted(path.name[1:5] for path in (FOLDER / "versions").glob("v[0-9]*.py"))


def revision(tx: Connection, where: str) -> str | None:
    """Which revision the database is at; None when it has no tables of ours."""
    if not inspect(tx).has_table(VERSION_TABLE):
        return None
    current: str | None = tx.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608
    if current is not None and current not in revisions():
        raise NotReady(
            f"{where} was written by a newer Sutdol (revision {current}); "
            "upgrade this one: pip install --upgrade sutdol"
        )
    return current


def is_current(tx: Connection, where: str) -> bool:
    return revision(tx, where) == revisions()[-1]


def move(tx: Connection, where: str, to: str) -> None:
    """Run what lies between here and `to` inside `tx`, whose write lock keeps others out.

    `base` takes away all tables.
    """
    if to not in ("base", *revisions()):
        raise UnknownName("revision", to, revisions())
    current = revision(tx, where)
    if current == to:
        return
    if current is None:
        _refuse_strangers(tx, where)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = tx
    run = command.upgrade if (current or "") < to and to != "base" else command.downgrade
    run(config, to)


def _refuse_strangers(tx: Connection, where: str) -> None:
    strangers = sorted(set(inspect(tx).get_table_names()) & set(metadata.tables))
    if strangers:
        raise UsageError(
            f"{where} holds another program's tables ({', '.join(strangers)}); "
            "set database_url to a database of its own."
        )
