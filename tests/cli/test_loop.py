"""`sutdol feedback`, `sutdol loop` and `sutdol doctor`."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Fought, Program, calibrate

CORRECTION = {"text": "Free tickets for the school concert are at the office", "label": 0}


@pytest.fixture
def correction(tmp_path: Path) -> Path:
    path = tmp_path / "corrections.jsonl"
    path.write_text(json.dumps(CORRECTION), encoding="utf-8")
    return path


def test_feedback_is_counted_once(sutdol: Program, home: Path, correction: Path) -> None:
    command = ("feedback", "import", correction, "--role", "guard", "--source", "web")

    assert sutdol(*command).out == "1 new labels, 0 known\n"
    again = sutdol(*command, "--json", "-").json
    assert again == {"new": 0, "known": 1, "source": "feedback:web"}


def test_status_has_the_promised_form(sutdol: Program, old_home: Path) -> None:
    found = sutdol("loop", "status", "--json", "-").json["guard"]

    assert set(found) >= {"champion", "challenger", "examples", "budget"}
    assert found["champion"] == "guard-v1"
    assert found["examples"] > 1_500


def test_status_of_an_empty_home_names_no_champion(sutdol: Program, empty_home: Path) -> None:
    found = sutdol("loop", "status", "--json", "-").json["guard"]

    assert (found["champion"], found["challenger"], found["examples"]) == (None, None, 0)
    assert "champion none" in sutdol("loop", "status").out


def test_a_verdict_that_does_not_promote_is_no_failure(
    sutdol: Program, home: Path, corpus: dict[str, Path], tmp_path: Path
) -> None:
    sutdol("feedback", "import", corpus["new"])
    done = sutdol("loop", "improve", "guard", "--json", tmp_path / "verdict.json")

    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    assert done.code == 0
    assert done.out.splitlines()[0].startswith(f"{verdict['decision']}: ")
    assert done.out.splitlines()[1] == "guard-v1 is the champion"
    assert verdict["decision"] != "promote"
    shown = sutdol("loop", "show", verdict["id"], "--json", "-").json
    assert shown == verdict


def test_with_nothing_new_there_is_nothing_to_learn(sutdol: Program, home: Path) -> None:
    refused = sutdol("loop", "improve", "guard")

    assert refused.code == 1
    assert "fight a battle or add feedback" in refused.err


def test_history_tells_what_happened_oldest_first(sutdol: Program, old_home: Path) -> None:
    rows = sutdol("loop", "history", "guard", "--json", "-").json

    assert [row["what"] for row in rows] == ["crowned", "inconclusive", "inconclusive"]
    assert sutdol("loop", "history", "guard").out.count("\n") == 3


def test_a_verdict_is_shown_with_its_reason(
    sutdol: Program, old_home: Path, fought: Fought
) -> None:
    verdict = fought.json["rounds"][0]["verdict"]
    shown = sutdol("loop", "show", verdict["id"])

    assert verdict["reason"] in shown.out
    page = shown.err.rpartition("Page: ")[2].strip()
    assert Path(page).is_file()


@pytest.mark.parametrize("how", [(), ("--rescore",)])
def test_a_verdict_recomputed_agrees(
    how: tuple[str, ...], sutdol: Program, old_home: Path, fought: Fought
) -> None:
    verdict = fought.json["rounds"][0]["verdict"]
    done = sutdol("loop", "verify", verdict["id"], *how)

    assert (done.code, done.out) == (0, f"agrees: {verdict['decision']}\n")


def test_lineage_names_every_example(sutdol: Program, old_home: Path) -> None:
    found = sutdol("loop", "lineage", "guard-v2", "--json", "-").json

    assert [one["version"] for one in found["ancestors"]] == ["guard-v2", "guard-v1"]
    for one in found["ancestors"]:
        assert len(one["examples"]) == one["rows"] == sum(o["rows"] for o in one["origins"])
    assert {o["source"] for o in found["ancestors"][1]["origins"]} == {"import:train"}
    assert {o["kind"] for o in found["ancestors"][0]["origins"]} >= {"data", "twin"}


def test_forgetting_names_the_versions_to_train_again(sutdol: Program, old_home: Path) -> None:
    found = sutdol("loop", "forget", "--source", "import:train", "--json", "-").json

    assert found["forgotten"] >= 1_500
    assert found["retrain"][:2] == ["guard-v1", "guard-v2"]
    again = sutdol("loop", "forget", "--source", "import:train")
    assert (again.code, again.out.splitlines()[0]) == (0, "0 texts forgotten")


def test_rolling_back_with_nobody_before_is_refused(sutdol: Program, home: Path) -> None:
    refused = sutdol("loop", "rollback", "guard")

    assert refused.code == 1
    assert "no previous champion" in refused.complaint


def test_rolling_back_returns_the_previous_champion(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    calibrated = calibrate(sutdol, corpus)
    done = sutdol("loop", "rollback", "guard", "--reason", "a test", "--json", "-")

    assert calibrated == "guard-v2"
    assert done.json == {"champion": "guard-v1", "replaced": "guard-v2"}
    assert sutdol("loop", "status", "--json", "-").json["guard"]["champion"] == "guard-v1"
    assert "a test" in sutdol("loop", "history", "guard").out


def test_the_sixth_reading_of_the_sealed_texts_reaches_a_limit(sutdol: Program, home: Path) -> None:
    reading = ("loop", "sealed", "guard", "--purpose", "a test")
    first = sutdol(*reading)
    for _ in range(4):
        assert sutdol(*reading, "--json", "-").json["version"] == "guard-v1"
    sixth = sutdol(*reading)

    assert "99 % intervals" in first.out
    assert "{" not in first.out
    assert sixth.code == 4
    assert "sealed" in sixth.complaint


def test_the_doctor_finds_a_healthy_home(sutdol: Program, home: Path) -> None:
    done = sutdol("doctor", "--json", "-")
    found = {check["name"]: check["state"] for check in done.json}

    assert done.code == 0
    assert (found["guard"], found["database"]) == ("ok", "ok")
    assert found["llm endpoint"] == "absent"
    assert set(found.values()) <= {"ok", "absent"}


def test_the_doctor_finds_a_broken_guard(sutdol: Program, home: Path) -> None:
    for model in home.glob("models/*/model.npz"):
        model.write_bytes(model.read_bytes()[:-1])

    done = sutdol("doctor")

    assert done.code == 1
    assert "broken   guard" in done.out
