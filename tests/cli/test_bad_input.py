"""Files that are no labelled texts: one clear sentence, code 2, and nothing taken in."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Program

Write = Callable[[str, str | bytes], Path]

BAD = {
    "empty.jsonl": (b"", "holds no records"),
    "blank.jsonl": (b"\n\n", "holds no records"),
    "binary.jsonl": (bytes(range(256)) * 40, "is not JSON"),
    "latin.jsonl": (b'{"text": "\xff\xfe", "label": 0}', "is not UTF-8 text"),
    "long-line.jsonl": (b"x" * 1_000_000, "is not JSON"),
    "long-text.jsonl": (
        b'{"text": "' + b"a" * 1_000_001 + b'", "label": 0}',
        "1,000,000 are the most",
    ),
    "raw-nul.jsonl": (b'{"text": "a\x00b", "label": 0}', "is not JSON"),
    "list.jsonl": (b"[1, 2]", "is no JSON object with text and label"),
    "no-text.jsonl": (b'{"comment": "x", "label": 1}', "has no 'text'; it has comment, label"),
    "no-label.jsonl": (b'{"text": "x"}', "has no 'label'; it has text"),
    "odd-label.jsonl": (b'{"text": "x", "label": "maybe"}', "use 1 (violating) or 0 (ok)"),
    "number.jsonl": (b'{"text": 5, "label": 1}', "has no text"),
    "second.jsonl": (b'{"text": "x", "label": 1}\n{"text": ', "second.jsonl:2 is not JSON"),
    "cut.jsonl.gz": (b"\x1f\x8b\x08\x00abc", "cannot be read"),
    "columns.csv": (b"comment,label\nx,1\n", "No column in columns.csv named 'text'"),
    "empty.csv": (b"", "No column in empty.csv named 'text'"),
    "binary.csv": (bytes(range(256)), "neither UTF-8 nor CP949"),
    "odd-label.csv": (b"text,label\nx,maybe\n", "use 1 (violating) or 0 (ok)"),
}
READERS = {
    "guard train": ("guard", "train", "--data"),
    "guard eval": ("guard", "eval", "--data"),
    "arena battle": ("arena", "battle", "--data"),
    "feedback import": ("feedback", "import"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_place_and_nothing_is_taken_in(
    name: str, sutdol: Program, home: Path, write: Write
) -> None:
    content, why = BAD[name]
    refused = sutdol("feedback", "import", write(name, content))

    assert refused.code == 2
    assert name in refused.complaint
    assert why in refused.complaint
    assert sutdol("loop", "status", "--json", "-").json["guard"]["examples"] == 1_500


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["second.jsonl", "columns.csv"])
def test_every_reader_of_labelled_texts_refuses_alike(
    name: str, reader: str, sutdol: Program, home: Path, write: Write
) -> None:
    content, why = BAD[name]
    refused = sutdol(*READERS[reader], write(name, content))

    assert refused.code == 2
    assert why in refused.complaint


@pytest.mark.parametrize("name", ["long-text.jsonl", "no-text.jsonl", "columns.csv", "empty.csv"])
def test_a_bad_file_is_refused_by_calibrate(
    name: str, sutdol: Program, home: Path, write: Write
) -> None:
    refused = sutdol("guard", "calibrate", "--benign", write(name, BAD[name][0]))

    assert refused.code == 2
    assert BAD[name][1] in refused.complaint


@pytest.mark.parametrize("name", ["binary.jsonl", "list.jsonl", "no-text.jsonl", "cut.jsonl.gz"])
def test_a_bad_file_is_refused_by_score(
    name: str, sutdol: Program, home: Path, write: Write, tmp_path: Path
) -> None:
    refused = sutdol(
        "guard", "score", "--input", write(name, BAD[name][0]), "--output", tmp_path / "scores"
    )

    assert refused.code == 2
    assert name in refused.complaint
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "holds no text"),
        ("{", "is not JSON"),
        ('{"id": "x", "text": "y"}', "needs id, original_id and text"),
    ],
)
def test_a_bad_independent_attacker_is_refused(
    content: str, why: str, sutdol: Program, home: Path, write: Write
) -> None:
    refused = sutdol("arena", "battle", "--independent", write("other.jsonl", content))

    assert refused.code == 2
    assert why in refused.complaint


@pytest.mark.parametrize(
    "reader",
    [
        *READERS.values(),
        ("guard", "check", "--file"),
        ("guard", "calibrate", "--benign"),
        ("guard", "score", "--output", "scores", "--input"),
        ("arena", "battle", "--independent"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("missing", ["gone.jsonl", "."])
def test_what_is_no_file_is_refused(
    reader: tuple[str, ...], missing: str, sutdol: Program, home: Path
) -> None:
    refused = sutdol(*reader, missing)

    assert refused.code == 2
    assert missing in refused.complaint


def test_a_file_that_is_no_text_is_not_called_ok(sutdol: Program, home: Path, write: Write) -> None:
    for content in (bytes(range(256)), "광고 전화 주세요".encode("cp949")):
        refused = sutdol("guard", "check", "--file", write("message.txt", content))

        assert refused.code == 2
        assert "message.txt is not UTF-8 text" in refused.complaint


@pytest.mark.parametrize(
    "text",
    ["one\u2028two", "one\u0085two", "one\u000btwo\u000cthree", "a\x00b", "lone \ud800 half"],
)
def test_odd_characters_neither_split_nor_stop_a_record(
    text: str, sutdol: Program, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "odd.jsonl"
    record = json.dumps({"id": text, "text": text, "label": 0}, ensure_ascii="\ud800" in text)
    path.write_text(record + "\n", encoding="utf-8")

    assert sutdol("feedback", "import", path, "--json", "-").json["new"] == 1
    assert sutdol("guard", "eval", "--data", path, "--json", "-").json["n"] == 1
    sutdol("guard", "score", "--input", path, "--output", tmp_path / "scores")
    assert json.loads((tmp_path / "scores").read_text(encoding="utf-8"))["id"] == text


def test_a_very_long_text_is_scored(sutdol: Program, home: Path, write: Write) -> None:
    padded = "Congratulations, claim your free prize now " + "ordinary words follow here. " * 4_000
    done = sutdol("guard", "check", "--file", write("long.txt", padded), "--json", "-")

    assert done.code == 0
    assert done.json["flagged"] is True


@pytest.mark.parametrize(
    "tokens",
    [
        ("feedback", "import", "good.jsonl", "--source", "w\udcffb"),
        ("feedback", "import", "bad-name-\udcff.jsonl"),
        ("loop", "forget", "--source", "w\udcffb"),
        ("loop", "sealed", "guard", "--purpose", "w\udcffb"),
    ],
    ids=" ".join,
)
def test_words_that_are_no_unicode_are_refused(
    tokens: tuple[str, ...], sutdol: Program, home: Path
) -> None:
    for name in ("good.jsonl", "bad-name-\udcff.jsonl"):
        Path(name).write_text('{"text": "x", "label": 0}', encoding="utf-8")
    refused = sutdol(*tokens)

    assert refused.code == 2
    assert "is no Unicode text: write it in UTF-8" in refused.complaint
