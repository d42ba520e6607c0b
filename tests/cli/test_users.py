"""`sutdol users`: an admin first and always, passwords that nobody sees, all of it on record."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import PATIENCE, Program

from sutdol.storage import audit, passwords, users
from sutdol.storage.database import Database

PLAIN = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard input that is no terminal and holds the password."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PLAIN}\r\nmore\n"))
    return monkeypatch


def opened(home: Path) -> Database:
    return Database.found(f"sqlite+pysqlite:///{home}/sutdol.db")


def stored(home: Path, name: str) -> str | None:
    """The hash of a user's password."""
    with opened(home) as db, db.read() as tx:
        found = users.password(tx, name)
    assert found is not None
    return found[1]


def test_the_first_user_is_an_admin_and_others_are_not(sutdol: Program, empty_home: Path) -> None:
    first, second = sutdol("users", "create", "anna"), sutdol("users", "create", "지수")

    assert first.out == "anna  admin  enabled  keys only\n"
    assert "anna has no password: `sutdol keys create --user anna`" in first.err
    assert second.out == "지수  user  enabled  keys only\n"
    assert sutdol("users", "list").out == first.out + second.out


def test_a_list_of_nobody_says_what_to_do(sutdol: Program, empty_home: Path) -> None:
    shown = sutdol("users", "list")

    assert (shown.code, shown.out) == (0, "")
    assert "`sutdol keys create` makes an admin" in shown.err


@pytest.mark.usefixtures("typed")
def test_a_password_is_read_from_standard_input_and_never_stored(
    sutdol: Program, empty_home: Path
) -> None:
    made = sutdol("users", "create", "anna", "--password", "--json", "-")

    assert made.json["has_password"] is True
    assert passwords.verify(stored(empty_home, "anna"), PLAIN)
    files = b"".join(path.read_bytes() for path in empty_home.rglob("*") if path.is_file())
    assert PLAIN.encode() not in files
    assert PLAIN not in made.out + made.err


def test_a_password_can_be_set_later(
    sutdol: Program, empty_home: Path, typed: pytest.MonkeyPatch
) -> None:
    sutdol("users", "create", "anna")

    assert sutdol("users", "password", "anna").out == "anna  admin  enabled  password\n"
    typed.setattr(sys, "stdin", io.StringIO(""))
    assert "shorter than 10" in sutdol("users", "password", "anna").complaint
    assert passwords.verify(stored(empty_home, "anna"), PLAIN)


def test_a_password_that_is_no_text_is_refused(
    sutdol: Program, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff" * 20), "utf-8"))

    assert "send it in UTF-8" in sutdol("users", "create", "anna", "--password").complaint
    assert not empty_home.exists()


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([f"{PLAIN}\n", f"{PLAIN}\n"], 0, ""),
        ([f"{PLAIN}\n", f"{PLAIN}x\n"], 2, "The two passwords differ"),
        (["\x04"], 2, "No password was given."),
        ([f"{PLAIN}\n", "\x04"], 2, "No password was given."),
    ],
    ids=["twice", "two that differ", "ctrl-d", "ctrl-d at the second"],
)
def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(
    empty_home: Path, lines: list[str], code: int, said: str
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sutdol", "users", "create", "anna", "--password"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # else it asks at the terminal of whoever runs the tests
    )
    try:
        for prompt, line in zip((b"Password: ", b"Once more: "), lines, strict=False):
            assert heard(process, prompt)
            os.write(ours, line.encode())
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        os.close(theirs)
        os.close(ours)

    assert process.returncode == code, err
    assert PLAIN.encode() not in out + err
    assert said.encode() in err
    assert b"Traceback" not in err


def heard(process: subprocess.Popen[bytes], prompt: bytes) -> bool:
    """Whether it asks that, before it ends."""
    assert process.stderr
    said = b""
    while not said.endswith(prompt):
        letter = process.stderr.read(1)
        if not letter:
            return False
        said += letter
    return True


def test_users_are_shut_out_and_let_in_again(sutdol: Program, empty_home: Path) -> None:
    sutdol("users", "create", "admin")
    sutdol("users", "create", "anna", "--role", "reviewer")

    assert sutdol("users", "disable", "Anna").out == "anna  reviewer  disabled  keys only\n"
    assert sutdol("users", "enable", "anna", "--json", "-").json["disabled_at"] is None
    assert sutdol("users", "role", "anna", "operator").out.split()[1] == "operator"


def test_the_last_admin_stays(sutdol: Program, empty_home: Path) -> None:
    sutdol("users", "create", "admin")
    for line in (("disable", "admin"), ("role", "admin", "user")):
        refused = sutdol("users", *line)

        assert refused.code == 3
        assert "admin is the last admin: make another user an admin first" in refused.complaint


@pytest.mark.parametrize(
    ("tokens", "hint"),
    [
        (["disable", "ana"], "Did you mean 'anna'?"),
        (["enable", "ana"], "Did you mean 'anna'?"),
        (["role", "ana", "user"], "Did you mean 'anna'?"),
        (["role", "anna", "usr"], 'Did you mean "user"?'),
        (["create", "ANNA"], "There is a user named 'ANNA' already"),
        (["create", " "], "The user's name is empty"),
        (["create", "b", "--role", "root"], "Choose from"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tokens: list[str], hint: str, sutdol: Program, empty_home: Path
) -> None:
    sutdol("users", "create", "anna")
    refused = sutdol("users", *tokens)

    assert refused.code == 2
    assert hint in refused.complaint


def test_each_change_is_put_on_record(sutdol: Program, empty_home: Path) -> None:
    for line in ("create admin", "create anna", "disable anna", "enable anna", "role anna admin"):
        assert sutdol("users", *line.split()).code == 0

    with opened(empty_home) as db, db.read() as tx:
        events = audit.events(tx, limit=9)
    assert {one.actor for one in events} == {"cli"}
    assert [f"{one.action} {one.subject}" for one in reversed(events)] == [
        "create user admin",
        "create user anna",
        "disable user anna",
        "enable user anna",
        "set role anna",
    ]
