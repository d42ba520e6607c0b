"""When disk, database, model file or user get in the way: a clear sentence, and nothing lost."""

import fcntl
import gzip
import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import PATIENCE, Fought, Program, Start, battles, calibrate, wait_for

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.loop import turn


def drafts(home: Path) -> list[Path]:
    return list(home.glob("models/.writing-*"))


def is_unharmed(sutdol: Program) -> bool:
    return sutdol("guard", "check", "see you at the library").out.startswith("ok\n")


def test_a_home_under_a_file_is_refused(
    sutdol: Program, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_home.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("SUTDOL_HOME", str(empty_home / "home"))
    refused = sutdol("loop", "status")

    assert refused.code == 1
    assert "a file stands in its way. Choose another home." in refused.complaint


def test_a_database_that_is_none_is_left_as_it_is(sutdol: Program, home: Path) -> None:
    garbage = b"this is no database, but it may be all somebody has" * 100
    (home / "sutdol.db").write_bytes(garbage)
    refused = sutdol("guard", "check", "x")

    assert refused.code == 1
    assert "is damaged or no database" in refused.complaint
    assert (home / "sutdol.db").read_bytes() == garbage


def test_a_locked_database_says_who_to_wait_for(
    sutdol: Program, home: Path, corpus: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTDOL_DATABASE_WAIT", "0.2")
    other = sqlite3.connect(home / "sutdol.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = sutdol("feedback", "import", corpus["new"])
    readable = is_unharmed(sutdol)
    other.execute("ROLLBACK")
    other.close()

    assert refused.code == 1
    assert "Another process is writing to" in refused.complaint
    assert readable
    assert sutdol("feedback", "import", corpus["new"]).code == 0


def test_two_cannot_improve_at_once(sutdol: Program, home: Path) -> None:
    with Sutdol.open(Settings.load()) as other, turn.hold(other.guard):
        refused = sutdol("loop", "improve", "guard")

    assert refused.code == 1
    told = f"Another process (pid {os.getpid()}) is improving the guard: wait, then try again."
    assert told in refused.complaint


def test_a_damaged_champion_says_how_to_go_back_and_going_back_works(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    before = {path.name for path in home.glob("models/*")}
    calibrate(sutdol, corpus)
    (new,) = (path for path in home.glob("models/*") if path.name not in before)
    (new / "model.npz").write_bytes(b"not what was written")

    refused = sutdol("guard", "check", "x")

    assert refused.code == 1
    assert "sutdol loop rollback" in refused.complaint
    assert sutdol("loop", "rollback", "guard").code == 0
    assert is_unharmed(sutdol)


def test_a_damaged_only_champion_is_replaced_by_training(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    for model in home.glob("models/*/model.npz"):
        model.write_bytes(b"not what was written")
    assert sutdol("loop", "rollback", "guard").code == 1

    done = sutdol("guard", "train", "--data", corpus["train"])

    assert (done.code, done.out) == (0, "guard-v2 is the champion\n")
    assert is_unharmed(sutdol)


def test_a_changed_score_is_found(sutdol: Program, old_home: Path, fought: Fought) -> None:
    verdict = fought.json["rounds"][0]["verdict"]["id"]
    path = old_home / "reports" / verdict / "report.json.gz"
    report = json.loads(gzip.decompress(path.read_bytes()))
    report["evidence"]["challenger"]["scores"][0] = 0.123456
    path.write_bytes(gzip.compress(json.dumps(report).encode()))

    done = sutdol("loop", "verify", verdict)

    assert done.code == 1
    assert done.out.startswith("DISAGREES: ")
    assert "the scores are not those that were judged" in done.out
    assert sutdol("loop", "verify", verdict, "--json", "-").json["agrees"] is False


def test_a_report_that_is_gone_is_named(sutdol: Program, old_home: Path, fought: Fought) -> None:
    verdict = fought.json["rounds"][0]["verdict"]["id"]
    (old_home / "reports" / verdict / "report.json.gz").unlink()
    refused = sutdol("loop", "verify", verdict)

    assert refused.code == 1
    assert "report.json.gz" in refused.complaint


def test_a_full_disk_loses_nothing(
    sutdol: Program, home: Path, corpus: dict[str, Path], start: Start
) -> None:
    sutdol("feedback", "import", corpus["new"])
    limited = ("sh", "-c", 'ulimit -f 1600; exec "$@"', "sh")  # enough for rows, not for a model
    process = start("loop", "improve", "guard", before=limited)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (1, "")
    assert "full" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert drafts(home) == []
    assert is_unharmed(sutdol)
    assert sutdol("loop", "status", "--json", "-").json["guard"]["examples"] == 1_800


@pytest.mark.parametrize("tokens", [("--json", "/dev/full"), ("--json", "-", "> /dev/full")])
def test_an_answer_that_cannot_be_written_is_a_failure(tokens: tuple[str, ...], home: Path) -> None:
    line = f"{sys.executable} -m sutdol loop status {' '.join(tokens)}"
    done = subprocess.run(line, shell=True, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def test_a_reader_that_goes_away_is_no_error(home: Path) -> None:
    line = f"{sys.executable} -m sutdol arena attacks | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, encoding="utf-8", check=False)

    assert done.stdout.endswith("\n0\n")
    assert done.stderr == ""


def test_an_interrupted_battle_keeps_its_finished_rounds(
    sutdol: Program, home: Path, tmp_path: Path, start: Start
) -> None:
    target = tmp_path / "battle.json"
    tokens = ("arena", "battle", "--rounds", 500, "--json", target)
    process = start(*tokens, SUTDOL_BATTLE__TRIGGER="0")
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)

    assert first.startswith("round 1/500 ")
    assert process.returncode == 130
    assert err.splitlines() == [
        "Go on with `sutdol arena battle --resume 1`.",
        "Interrupted; what was finished is kept.",
    ]
    ((state, rounds),) = battles(home)
    assert state == "interrupted"
    assert rounds == len(json.loads(target.read_text(encoding="utf-8"))["rounds"]) >= 1
    assert is_unharmed(sutdol)


def test_a_battle_whose_reader_goes_away_is_on_record_as_interrupted(
    home: Path, start: Start
) -> None:
    process = start("arena", "battle", "--rounds", 500, SUTDOL_BATTLE__TRIGGER="0")
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=PATIENCE)
    err = process.stderr.read()

    assert (process.returncode, err) == (0, "")
    assert [state for state, _ in battles(home)] == ["interrupted"]


def test_a_kill_during_training_leaves_no_half_version(
    sutdol: Program, empty_home: Path, corpus: dict[str, Path], start: Start
) -> None:
    process = start("guard", "train", "--data", corpus["train"])
    wait_for(lambda: bool(drafts(empty_home)))
    process.kill()
    process.wait(timeout=PATIENCE)

    assert drafts(empty_home)
    assert sutdol("loop", "status", "--json", "-").json["guard"]["champion"] is None
    done = sutdol("guard", "train", "--data", corpus["new"])
    assert (done.code, done.out) == (0, "guard-v1 is the champion\n")
    assert drafts(empty_home) == []
    assert is_unharmed(sutdol)


def test_the_draft_of_a_living_process_is_not_swept_out(
    sutdol: Program, empty_home: Path, corpus: dict[str, Path]
) -> None:
    draft = empty_home / "models" / ".writing-by-another"
    draft.mkdir(parents=True)
    room = os.open(draft.parent, os.O_RDONLY)
    fcntl.flock(room, fcntl.LOCK_SH)  # as a process does that is writing
    sutdol("guard", "train", "--data", corpus["new"])
    os.close(room)

    assert draft.exists()


def test_on_a_terminal_the_answer_may_be_coloured_and_live(home: Path) -> None:
    ours, theirs = pty.openpty()
    tokens = ["arena", "battle", "--rounds", "1", "--seed", "3"]
    environment = {**os.environ, "SUTDOL_BATTLE__TRIGGER": "0", "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        [sys.executable, "-m", "sutdol", *tokens], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65_536)
            except OSError:  # the other side has closed
                break
    os.close(ours)

    assert process.returncode == 0
    assert b"\x1b[" in shown
    assert b"held-out" in shown
