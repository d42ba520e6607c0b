"""`sutdol guard`: train, check, score, eval, calibrate."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from tests.cli.conftest import Program

from sutdol.roles.categories import CATEGORIES

Write = Callable[[str, str | bytes], Path]

SPAM = "Congratulations! You have won a free prize, click here to claim it now"
INTERVAL = {"value", "low", "high", "n"}


def rows_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_training_says_who_reigns_and_nothing_else(
    sutdol: Program, empty_home: Path, corpus: dict[str, Path]
) -> None:
    done = sutdol("guard", "train", "--data", corpus["new"])

    assert (done.code, done.out) == (0, "guard-v1 is the champion\n")
    assert "300 new texts, 0 known" in done.err


def test_training_as_json(sutdol: Program, empty_home: Path, corpus: dict[str, Path]) -> None:
    done = sutdol("guard", "train", "--data", corpus["new"], "--seed", 5, "--json", "-")

    assert set(done.json) == {
        "version", "seed", "near_duplicates_dropped", "recipe", "rows", "checksum", "thresholds",
    }  # fmt: skip
    assert (done.json["version"], done.json["seed"]) == ("guard-v1", 5)


def test_a_second_training_is_refused_and_keeps_the_texts(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    refused = sutdol("guard", "train", "--data", corpus["new"])

    assert refused.code == 3
    assert "`sutdol loop improve guard`" in refused.complaint
    assert sutdol("loop", "status", "--json", "-").json["guard"]["examples"] == 1_800


def test_a_check_tells_flag_score_categories_and_place(sutdol: Program, home: Path) -> None:
    done = sutdol("guard", "check", SPAM)

    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "flagged"
    assert lines[1].startswith("score 0.")
    assert lines[2] == "categories: spam"
    assert lines[3].startswith("found in characters ")
    assert "untrained categories (always 0): hate" in done.err


def test_a_check_as_json(sutdol: Program, home: Path) -> None:
    found = sutdol("guard", "check", SPAM, "--json", "-").json

    assert set(found) == {
        "flagged", "score", "threshold", "language", "categories", "applies", "span", "view",
        "untrained",
    }  # fmt: skip
    assert found["flagged"] is True
    assert set(found["categories"]) == set(CATEGORIES)
    assert 0 <= found["span"][0] < found["span"][1] <= len(SPAM)


def test_a_harmless_text_is_ok(sutdol: Program, home: Path) -> None:
    found = sutdol("guard", "check", "see you at the library tomorrow", "--json", "-").json

    assert (found["flagged"], found["span"], found["applies"]) == (False, None, [])


def test_a_text_may_begin_with_a_dash(sutdol: Program, home: Path) -> None:
    assert sutdol("guard", "check", "--", "-- so long").out.startswith("ok\n")


def test_a_text_in_a_file_is_the_same_text(sutdol: Program, home: Path, write: Write) -> None:
    text = "내일 아침에 도서관에서 만나요"
    in_file = sutdol("guard", "check", "--file", write("text.txt", text), "--json", "-")

    assert in_file.json == sutdol("guard", "check", text, "--json", "-").json


def test_composed_and_decomposed_korean_score_the_same(sutdol: Program, home: Path) -> None:
    text = "지금 클릭하면 무료 쿠폰을 드립니다"
    scores = [
        sutdol("guard", "check", normalize(form, text), "--json", "-").json["score"]
        for form in ("NFC", "NFD")
    ]

    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_every_id_gets_one_line_in_order(sutdol: Program, home: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl.gz"
    rows = [{"id": "b", "text": SPAM}, {"id": "a", "text": "hello"}, {"text": "숫돌"}]
    texts.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))

    done = sutdol("guard", "score", "--input", texts, "--output", tmp_path / "scores.jsonl")

    answers = rows_of(tmp_path / "scores.jsonl")
    assert (done.code, done.out) == (0, "")
    assert [one["id"] for one in answers] == ["b", "a", "3"]
    assert [one["flagged"] for one in answers] == [True, False, False]
    assert all(set(one) == {"id", "score", "flagged", "categories"} for one in answers)
    assert all(set(one["categories"]) == set(CATEGORIES) for one in answers)


def test_check_and_score_agree(sutdol: Program, home: Path, write: Write, tmp_path: Path) -> None:
    texts = write("texts.jsonl", json.dumps({"id": 1, "text": SPAM}))
    sutdol("guard", "score", "--input", texts, "--output", tmp_path / "scores.jsonl")
    scored = json.loads((tmp_path / "scores.jsonl").read_text(encoding="utf-8"))

    checked = sutdol("guard", "check", SPAM, "--json", "-").json
    assert scored["score"] == pytest.approx(checked["score"], abs=1e-6)


def test_no_text_gives_no_score(sutdol: Program, home: Path, write: Write, tmp_path: Path) -> None:
    done = sutdol("guard", "score", "--input", write("e", ""), "--output", tmp_path / "scores")

    assert (done.code, (tmp_path / "scores").read_bytes()) == (0, b"")
    assert "0 texts scored" in done.err


def test_the_input_is_never_overwritten(sutdol: Program, home: Path, write: Write) -> None:
    texts = write("texts.jsonl", '{"text": "a"}')

    assert sutdol("guard", "score", "--input", texts, "--output", texts).code == 2
    assert texts.read_text() == '{"text": "a"}'


def test_old_scores_stay_when_the_input_turns_out_bad(
    sutdol: Program, home: Path, write: Write
) -> None:
    scores = write("scores.jsonl", "old\n")
    texts = write("texts.jsonl", '{"text": "good"}\n' * 1_001 + "bad\n")

    refused = sutdol("guard", "score", "--input", texts, "--output", scores)

    assert refused.code == 2
    assert "texts.jsonl:1002" in refused.complaint
    assert scores.read_text() == "old\n"
    assert sorted(path.name for path in scores.parent.glob(".*")) == []


def test_figures_come_with_intervals_by_language_source_and_category(
    sutdol: Program, home: Path, corpus: dict[str, Path], tmp_path: Path
) -> None:
    done = sutdol("guard", "eval", "--data", corpus["new"], "--json", tmp_path / "eval.json")

    found = json.loads((tmp_path / "eval.json").read_text(encoding="utf-8"))
    assert done.code == 0
    assert done.out.startswith("accuracy ")
    assert found["n"] == 300 - found["left_out"]
    assert set(found["by_language"]) == {"en", "ko"}
    assert set(found["by_source"]) == {"import:new"}
    assert {"none", "spam"} <= set(found["by_category"])
    for name in ("accuracy", "precision", "recall", "fpr", "auroc"):
        assert set(found["overall"][name]) == INTERVAL
    assert 0 < found["overall"]["f1"] < 1


def test_lists_take_several_values_and_may_be_repeated(
    sutdol: Program, home: Path, corpus: dict[str, Path], write: Write
) -> None:
    one, two = (write(f"{n}.jsonl", json.dumps({"text": f"text {n}", "label": 0})) for n in "ab")
    together = sutdol("guard", "eval", "--data", one, two, "--json", "-")
    repeated = sutdol("guard", "eval", "--data", one, "--data", two, "--json", "-")

    assert together.json == repeated.json
    assert set(together.json["by_source"]) == {"import:a", "import:b"}


def test_texts_of_the_training_are_not_measured(
    sutdol: Program, home: Path, corpus: dict[str, Path]
) -> None:
    left_out = sutdol("guard", "eval", "--data", corpus["train"], "--json", "-").json["left_out"]

    assert 600 < left_out < 900  # about half of the texts are trained on


def test_calibration_makes_a_new_champion_with_the_asked_rate(
    sutdol: Program, home: Path, corpus: dict[str, Path], tmp_path: Path
) -> None:
    rows = [json.dumps(row) for row in rows_of(corpus["new"]) if not row["label"]]
    benign = tmp_path / "benign.jsonl"
    benign.write_text("\n".join(rows), encoding="utf-8")

    done = sutdol("guard", "calibrate", "--benign", benign, "--fpr", "0.02", "--json", "-")
    measured = sutdol("guard", "eval", "--data", benign, "--json", "-").json

    assert done.code == 0
    assert set(done.json) == {"version", "thresholds"}
    assert done.json["version"] == measured["guard"] == "guard-v2"
    assert measured["overall"]["fpr"]["value"] <= 0.021


def test_comma_separated_korean_in_cp949_is_the_same_data(
    sutdol: Program, empty_home: Path, write: Write
) -> None:
    content = "댓글,욕설,광고\n내일 만나요,0,0\n무료 쿠폰 받기,0,1\n"
    columns = ["--text-column", "댓글", "--label-column", "욕설", "광고"]
    for encoding in ("cp949", "utf-8-sig"):
        table = write("table.csv", content.encode(encoding))
        taken = sutdol("guard", "train", "--data", table, *columns)

    assert "0 new texts, 2 known" in taken.err


def test_a_missing_guard_says_how_to_get_one(sutdol: Program, empty_home: Path) -> None:
    refused = sutdol("guard", "check", "x")

    assert refused.code == 1
    assert "`sutdol guard train`" in refused.complaint


def test_equal_seeds_train_equal_guards(
    sutdol: Program,
    empty_home: Path,
    corpus: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = []
    for name in ("one", "other"):
        monkeypatch.setenv("SUTDOL_HOME", str(empty_home / name))
        command = ("guard", "train", "--data", corpus["new"], "--seed", 2, "--json", "-")
        trained.append(sutdol(*command).json)

    assert trained[0] == trained[1]
