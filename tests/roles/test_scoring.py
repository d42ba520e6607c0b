"""Scoring a file: one answer a line, in order, whatever the size of the file."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sutdol.core.errors import BadInput
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.classifier import Classifier
from sutdol.roles.scoring import CHUNK, scored, unlabelled

TEXTS = [
    "buy cheap blorp now",
    "yesterday the soup needs more salt",
    "이 바보 웜뱃아",
    "오늘은 정원이 참 예쁘네요.",
]


def file(folder: Path, *records: object, name: str = "in.jsonl") -> Path:
    path = folder / name
    raw = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if name.endswith(".gz") else raw)
    return path


def test_each_record_has_its_id_or_the_number_of_its_line(tmp_path: Path) -> None:
    path = file(tmp_path, {"id": "a", "text": "one"}, {"text": "two"}, {"id": 7, "text": "three"})
    assert list(unlabelled(path)) == [("a", "one"), ("2", "two"), ("7", "three")]


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    packed = file(tmp_path, {"text": "one"}, name="in.jsonl.gz")
    assert list(unlabelled(packed.rename(tmp_path / "in.jsonl"))) == [("1", "one")]


def test_blank_lines_and_texts_that_are_blank(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('\n{"text": ""}\n  \n{"text": "a\\u2028b"}\n')
    assert list(unlabelled(path)) == [("2", ""), ("4", "a\u2028b")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"text": "a"}\n{', r"in\.jsonl:2 is not JSON in UTF-8"),
        (b'{"text": "\xff"}', r"in\.jsonl:1 is not JSON in UTF-8"),
        (b'["a"]', r"in\.jsonl:1 has no text; each line must be"),
        (b'{"text": 7}', r"in\.jsonl:1 has no text"),
        (b"[" * 100_000, r"in\.jsonl:1 is not JSON"),
        (gzip.compress(b'{"text": "a"}\n' * 99, mtime=0)[:-12], "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "in.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        list(unlabelled(tmp_path / "in.jsonl"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.jsonl cannot be read"):
        list(unlabelled(tmp_path / "nowhere.jsonl"))


def test_answers_come_in_order_and_agree_with_the_guard(guard: Classifier) -> None:
    answers = list(scored(guard, [(str(n), text) for n, text in enumerate(TEXTS)]))
    assert [one["id"] for one in answers] == ["0", "1", "2", "3"]
    assert [one["flagged"] for one in answers] == guard.judge(TEXTS)[1].tolist()
    assert [one["score"] > 0.5 for one in answers] == [True, False, True, False]
    for answer, text in zip(answers, TEXTS, strict=True):
        assert set(answer) == {"id", "score", "flagged", "categories"}
        assert answer["score"] == pytest.approx(guard.score(text), abs=1e-6)
        assert set(answer["categories"]) == set(CATEGORIES)
        assert all(0 <= share <= answer["score"] + 1e-6 for share in answer["categories"].values())
    json.dumps(answers)


def test_the_likeliest_category_is_the_one_it_is(guard: Classifier) -> None:
    spam, _, insult, _ = scored(guard, [("", text) for text in TEXTS])
    assert max(spam["categories"], key=spam["categories"].__getitem__) == "spam"
    assert max(insult["categories"], key=insult["categories"].__getitem__) == "harassment"


def test_a_file_larger_than_a_chunk_is_read_no_further_than_needed(guard: Classifier) -> None:
    read = 0

    def records() -> Iterator[tuple[str, str]]:
        nonlocal read
        for n in range(3 * CHUNK):
            read += 1
            yield str(n), "a b"

    answers = scored(guard, records())
    assert next(answers)["id"] == "0"
    assert read == CHUNK
    assert next(answers)["id"] == "1"


@pytest.mark.parametrize("text", ["", " ", "👍🏽", "숫돌" * 2_000, "a\0b", "a\ud83d"])
def test_any_text_has_an_answer(guard: Classifier, text: str) -> None:
    (answer,) = scored(guard, [("x", text)])
    assert 0 <= answer["score"] <= 1


def test_no_records_no_answers(guard: Classifier) -> None:
    assert list(scored(guard, [])) == []
