"""`sutdol keys`: the key alone on standard output, this once, and revoked at once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Program

from sutdol.core.caller import Caller
from sutdol.storage import audit, keys
from sutdol.storage.database import Database
from sutdol.storage.secrets import pepper


def opened(home: Path) -> Database:
    return Database.found(f"sqlite+pysqlite:///{home}/sutdol.db")


def caller(home: Path, plain: str, *, after: timedelta = timedelta()) -> Caller | None:
    """Whom the home lets in by the key, some time from now."""
    now = datetime.now(UTC) + after
    with opened(home) as db:
        spice = pepper(db, now)
        with db.read() as tx:
            return keys.find(tx, spice, plain, now)


def test_the_first_key_of_a_home_is_its_admins(sutdol: Program, empty_home: Path) -> None:
    made = sutdol("keys", "create")
    who = caller(empty_home, made.out.removesuffix("\n"))

    assert made.code == 0
    assert len(made.out.splitlines()) == 1
    assert who is not None
    assert (who.name, who.role, who.scopes) == ("admin", "admin", ("*",))
    assert "made the user admin" in made.err
    assert "shown this once: keep it now" in made.err
    assert f"sutdol keys revoke {who.key}" in made.err


def test_later_keys_are_a_users_unless_told_otherwise(sutdol: Program, empty_home: Path) -> None:
    sutdol("keys", "create")
    made = sutdol("keys", "create", "second")
    who = caller(empty_home, made.out.strip())

    assert "made the user" not in made.err
    assert who is not None
    assert (who.name, who.role) == ("admin", "user")


def test_a_first_key_that_was_refused_is_an_admins_when_tried_again(
    sutdol: Program, empty_home: Path
) -> None:
    assert sutdol("keys", "create", "--scopes", "chta").code == 2
    who = caller(empty_home, sutdol("keys", "create").out.strip())

    assert who is not None
    assert who.role == "admin"


def test_a_key_has_the_limits_that_were_asked_for(sutdol: Program, empty_home: Path) -> None:
    limits = ("--rpm", 60, "--tpm", 100_000, "--daily-tokens", 1_000_000, "--expires", "90d")
    lists = ("--scopes", "chat", "moderate", "--models", "javis*", "llama", "--role", "reviewer")
    told = sutdol("keys", "create", "ci", *lists, *limits, "--json", "-").json
    who = caller(empty_home, told["key"], after=timedelta(days=89))

    assert who is not None
    assert who.until is not None
    assert who == Caller(
        user=told["user"],
        name="admin",
        role="reviewer",
        key=told["id"],
        scopes=("chat", "moderate"),
        models=("javis*", "llama"),
        rpm=60,
        tpm=100_000,
        daily_tokens=1_000_000,
        until=who.until,
    )
    assert caller(empty_home, told["key"], after=timedelta(days=91)) is None


def test_whose_it_is_has_to_be_said_where_there_are_several(
    sutdol: Program, empty_home: Path
) -> None:
    for name in ("anna", "ben"):
        sutdol("users", "create", name)
    refused = sutdol("keys", "create")
    bens = sutdol("keys", "create", "--user", "Ben", "--role", "user")

    assert refused.code == 2
    assert "Say whose key it is with --user: anna, ben." in refused.complaint
    who = caller(empty_home, bens.out.strip())
    assert who is not None
    assert who.name == "ben"
    shown = sutdol("keys", "list", "--user", "ben", "--json", "-").json
    assert [one["user_name"] for one in shown] == ["ben"]
    assert sutdol("keys", "list", "--user", "anna", "--json", "-").json == []


def test_a_list_shows_keys_without_their_secrets(sutdol: Program, empty_home: Path) -> None:
    nothing = sutdol("keys", "list")
    plain = sutdol("keys", "create", "ci").out.strip()
    shown, told = sutdol("keys", "list"), sutdol("keys", "list", "--json", "-")

    assert (nothing.code, nothing.out) == (0, "")
    assert "`sutdol keys create` makes one" in nothing.err
    assert shown.out == f"{plain[7:15]}  admin  ci  admin  *  valid  used never\n"
    assert told.json[0]["state"] == "valid"
    assert plain[-43:] not in shown.out + told.out


def test_a_revoked_key_opens_nothing(sutdol: Program, empty_home: Path) -> None:
    plain = sutdol("keys", "create").out.strip()
    revoked = sutdol("keys", "revoke", plain[7:15])
    again = sutdol("keys", "revoke", plain[7:15], "--json", "-")

    assert revoked.code == again.code == 0
    assert " revoked " in revoked.out
    assert again.json["state"] == "revoked"
    assert caller(empty_home, plain) is None
    with opened(empty_home) as db, db.read() as tx:
        events = audit.events(tx, limit=9)
    assert [f"{one.actor}: {one.action}" for one in reversed(events)] == [
        "cli: create user",
        "cli: create key",
        "cli: revoke key",
    ]


def test_a_key_is_nowhere_in_the_home(sutdol: Program, empty_home: Path) -> None:
    plain = sutdol("keys", "create").out.strip()
    files = b"".join(path.read_bytes() for path in empty_home.rglob("*") if path.is_file())

    assert plain[7:15].encode() in files
    assert plain[-43:].encode() not in files


def test_a_file_with_a_key_is_for_its_owner_alone(
    sutdol: Program, empty_home: Path, tmp_path: Path
) -> None:
    new, old = tmp_path / "new.json", tmp_path / "old.json"
    old.touch(0o644)
    for file in (new, old):
        plain = sutdol("keys", "create", "--json", file).out.strip()

        assert file.stat().st_mode & 0o777 == 0o600
        assert json.loads(file.read_text(encoding="utf-8"))["key"] == plain
    (tmp_path / "else").touch()
    assert (tmp_path / "else").stat().st_mode & 0o777 != 0o600


def test_a_key_is_shown_though_its_file_cannot_be_written(
    sutdol: Program, empty_home: Path
) -> None:
    made = sutdol("keys", "create", "--json", "/dev/full")

    assert made.code == 1
    assert "/dev/full cannot be written" in made.err
    assert caller(empty_home, made.out.removesuffix("\n")) is not None


@pytest.mark.parametrize(
    ("tokens", "code", "hint"),
    [
        (["create", "--user", "ana"], 2, "Did you mean 'anna'?"),
        (["create", "--role", "admin"], 3, "anna is no admin"),
        (["create", "--scopes", "chta"], 2, "Did you mean 'chat'?"),
        (["create", " "], 2, "The key's name is empty"),
        (["create", "--rpm", "0"], 2, "Must be >= 1"),
        (["create", "--daily-tokens", "2147483648"], 2, "give 1 to 2,147,483,647"),
        (["create", "--expires", "soon"], 2, "write 12h, 90d or 52w"),
        (["create", "--expires", "0d"], 2, "write 12h, 90d or 52w"),
        (["create", "--expires", "123456d"], 2, "write 12h, 90d or 52w"),
        (["list", "--user", "ana"], 2, "Did you mean 'anna'?"),
        (["revoke", "x"], 2, "No key named 'x'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tokens: list[str], code: int, hint: str, sutdol: Program, empty_home: Path
) -> None:
    sutdol("users", "create", "anna", "--role", "reviewer")
    refused = sutdol("keys", *tokens)

    assert refused.code == code
    assert hint in refused.complaint
    assert sutdol("keys", "list", "--json", "-").json == []


def test_an_empty_home_makes_no_user_of_another_name(sutdol: Program, empty_home: Path) -> None:
    refused = sutdol("keys", "create", "--user", "anna")

    assert refused.code == 2
    assert "`sutdol users create anna` makes the first" in refused.complaint
    assert sutdol("users", "list", "--json", "-").json == []
