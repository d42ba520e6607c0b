"""Reading labelled files: what people send in, and what they are told when it is wrong."""

import gzip
import json
import re
from pathlib import Path

import pytest

from sutdol.core.errors import BadInput, UnknownName, UsageError
from sutdol.core.text.reading import key
from sutdol.core.types import Example
from sutdol.roles.categories import UNSPECIFIED
from sutdol.roles.labelled import LONGEST, Columns, columns_of, harmless, labelled

BAD, GOOD = "buy cheap blorp", "see you in the garden"
LINES = [{"text": BAD, "label": 1, "category": "spam"}, {"text": GOOD, "label": 0}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def jsonl(*records: object) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records).encode()


def load(
    folder: Path, content: bytes | str, name: str = "data.jsonl", columns: Columns | None = None
) -> list[Example]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return labelled(path, columns)


def refusal(
    folder: Path, content: bytes | str, name: str = "data.jsonl", columns: Columns | None = None
) -> str:
    """What the user is told."""
    with pytest.raises(UsageError) as raised:
        load(folder, content, name, columns)
    return str(raised.value)


def inputs(examples: list[Example]) -> list[str]:
    return [one.input for one in examples]


def targets(examples: list[Example]) -> list[str]:
    return [one.target for one in examples]


# Records as they should be


def test_a_record_becomes_an_example(folder: Path) -> None:
    bad, good = load(folder, jsonl(*LINES))
    assert bad == Example(
        input=BAD, target="spam", lang="en", source="import:data", group=key(BAD), part="train"
    )
    assert (good.input, good.target) == (GOOD, "")


def test_what_a_record_says_of_itself_is_kept(folder: Path) -> None:
    record = {"text": "숫돌 있어요?", "label": 0, "lang": "ko", "group": "talk 7", "id": 12}
    (one,) = load(folder, jsonl(record), "shop.v2.jsonl")
    assert (one.lang, one.group, one.meta) == ("ko", "import:shop#talk 7", {"id": "12"})


def test_language_and_group_are_found_where_not_given(folder: Path) -> None:
    records = [
        {"text": text, "label": 0} for text in ("숫돌 있어요?", "숫.돌. 있어요!", "green tea")
    ]
    first, same, other = load(folder, jsonl(*records))
    assert [first.lang, other.lang] == ["ko", "en"]
    assert first.group == same.group != other.group


def test_a_source_can_be_given(folder: Path) -> None:
    (folder / "data.jsonl").write_bytes(jsonl(*LINES))
    assert {one.source for one in labelled(folder / "data.jsonl", source="import:mine")} == {
        "import:mine"
    }


@pytest.mark.parametrize("word", [1, "1", True, "true", "YES", " violating ", "1.0", 1.0])
def test_words_for_violating(folder: Path, word: object) -> None:
    assert targets(load(folder, jsonl({"text": BAD, "label": word}))) == [UNSPECIFIED]


@pytest.mark.parametrize("word", [0, "0", False, "false", "No", "OK", "none", "0.0", 0.0])
def test_words_for_harmless(folder: Path, word: object) -> None:
    assert targets(load(folder, jsonl({"text": GOOD, "label": word}))) == [""]


@pytest.mark.parametrize("word", [2, -1, "maybe", "spam", [1], {"a": 1}, float("nan"), "ᄀ"])
def test_other_words_are_refused(folder: Path, word: object) -> None:
    told = refusal(folder, jsonl(LINES[0], {"text": GOOD, "label": word}))
    assert "data.jsonl:2 has the label" in told
    assert "use 1 (violating) or 0 (ok)" in told


def test_no_label_is_not_taken_for_harmless(folder: Path) -> None:
    assert "has no label" in refusal(folder, jsonl({"text": BAD, "label": None}))
    assert "has no label" in refusal(folder, f"text,label\n{BAD}\n", "data.csv")
    assert "has no 'label'; it has text" in refusal(folder, jsonl({"text": BAD}))


@pytest.mark.parametrize(
    ("category", "target"),
    [("spam", "spam"), ("Gambling", "spam"), ("unheard of", UNSPECIFIED), (None, UNSPECIFIED)],
)
def test_categories_by_any_name(folder: Path, category: str | None, target: str) -> None:
    record = {"text": BAD, "label": 1, "category": category}
    assert targets(load(folder, jsonl(record))) == [target]


def test_a_harmless_text_has_no_category(folder: Path) -> None:
    assert targets(load(folder, jsonl({"text": GOOD, "label": 0, "category": "spam"}))) == [""]


# Texts that are odd but right


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\r", "\t"])
def test_a_record_ends_at_a_line_feed_only(folder: Path, odd: str) -> None:
    text = f"one{odd}two"
    assert inputs(load(folder, jsonl({"text": text, "label": 0}))) == [text]
    quoted = f'text,label\n"{text}",0\n'
    assert inputs(load(folder, quoted, "data.csv")) == [text]


@pytest.mark.parametrize("unstorable", ["\\ud800", "\\u0000", "\\udc00\\u0000"])
def test_what_no_database_can_store_is_replaced(folder: Path, unstorable: str) -> None:
    line = '{"text": "tea%", "label": 0, "id": "a%", "group": "g%"}'
    (one,) = load(folder, line.replace("%", unstorable))
    stored = (one.input, one.meta["id"], one.group)
    assert all("\ufffd" in value for value in stored)
    assert not re.search("[\ud800-\udfff\x00]", "".join(stored))


def test_blank_lines_are_passed_over(folder: Path) -> None:
    content = b"\n  \n" + jsonl(LINES[0]) + b"\n\r\n" + jsonl(LINES[1]) + b"\n"
    assert inputs(load(folder, content)) == [BAD, GOOD]


def test_windows_files_are_read(folder: Path) -> None:
    bom = b"\xef\xbb\xbf"
    assert inputs(load(folder, bom + jsonl(*LINES).replace(b"\n", b"\r\n"))) == [BAD, GOOD]
    content = f"text,label\r\n{BAD},1\r\n{GOOD},0\r\n".encode()
    assert inputs(load(folder, bom + content, "data.csv")) == [BAD, GOOD]


def test_the_last_line_may_be_open(folder: Path) -> None:
    assert inputs(load(folder, jsonl(*LINES).rstrip(b"\n"))) == [BAD, GOOD]


@pytest.mark.parametrize("name", ["data.jsonl.gz", "data.jsonl"])
def test_gzip_is_known_by_its_bytes(folder: Path, name: str) -> None:
    assert inputs(load(folder, gzip.compress(jsonl(*LINES)), name)) == [BAD, GOOD]


def test_gzipped_csv_is_read(folder: Path) -> None:
    content = gzip.compress(f"text,label\n{BAD},1\n".encode())
    assert inputs(load(folder, content, "data.csv.gz")) == [BAD]


def test_a_very_long_text_is_read_and_a_longer_one_refused(folder: Path) -> None:
    text = ("green tea " * (LONGEST // 10))[:LONGEST]
    assert inputs(load(folder, jsonl({"text": text, "label": 0}))) == [text]
    told = refusal(folder, jsonl({"text": text + "!", "label": 0}))
    assert "has 1,000,001 characters; 1,000,000 are the most" in told


# CSV


def test_columns_are_named(folder: Path) -> None:
    content = f"id,comment,rude\n7,{BAD},1\n8,{GOOD},0\n"
    found = load(folder, content, "data.csv", Columns(text="comment", labels=("rude",)))
    assert inputs(found) == [BAD, GOOD]
    assert targets(found) == [UNSPECIFIED, ""]
    assert [one.meta for one in found] == [{"id": "7"}, {"id": "8"}]


def test_a_wrong_column_suggests_the_right_one(folder: Path) -> None:
    told = refusal(folder, "txt,label\na,1\n", "data.csv")
    assert "No column in data.csv named 'text'. Did you mean 'txt'?" in told
    told = refusal(folder, "text,lable\na,1\n", "data.csv")
    assert "Did you mean 'lable'?" in told
    with pytest.raises(UnknownName):
        load(folder, "a;b;c\n1;2;3\n", "data.csv")


def test_several_label_columns_become_categories(folder: Path) -> None:
    content = f"text,hate,spam\n{BAD},0,1\nboth,1,1\n{GOOD},0,0\n"
    found = load(folder, content, "data.csv", Columns(labels=("hate", "spam")))
    assert targets(found) == ["spam", "hate", ""]
    told = refusal(folder, "text,hate,spam\na,0,so\n", "data.csv", Columns(labels=("hate", "spam")))
    assert "data.csv:2 has the label 'so'" in told


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_label_is_not_harmless(folder: Path, empty: str) -> None:
    content = f"text,label\n{BAD},1\n{GOOD},{empty}\n"
    assert "data.csv:3 has no label" in refusal(folder, content, "data.csv")
    columns = Columns(labels=("hate", "spam"))
    content = f"text,hate,spam\n{BAD},1,{empty}\n"
    assert "data.csv:2 has no label" in refusal(folder, content, "data.csv", columns)
    line = json.dumps({"text": GOOD, "label": empty})
    assert "data.jsonl:1 has no label" in refusal(folder, line)


def test_several_label_columns_leave_the_others_alone(folder: Path) -> None:
    content = f"id,group,lang,text,hate,spam\n7,talk,ko,{GOOD},0,0\n"
    (one,) = load(folder, content, "data.csv", Columns(labels=("hate", "spam")))
    assert (one.meta, one.group) == ({"id": "7"}, "import:data#talk")


def test_the_language_is_that_of_the_text_whatever_the_file_says(folder: Path) -> None:
    """Else a wrong column would have a held-out family trained on."""
    english = {"text": "green tea", "label": 0, "lang": "ko"}
    korean = {"text": "차 한 잔", "label": 0, "lang": "EN"}
    assert [one.lang for one in load(folder, jsonl(english, korean))] == ["en", "ko"]


def test_tabs_separate_in_tsv(folder: Path) -> None:
    assert inputs(load(folder, "text\tlabel\na, b\t0\n", "data.TSV")) == ["a, b"]


def test_a_quoted_text_may_have_lines(folder: Path) -> None:
    content = 'text,label\n"one\ntwo, ""three""",0\nfour,maybe\n'
    told = refusal(folder, content, "data.csv")
    assert "data.csv:4 has the label 'maybe'" in told  # the line, not the record
    assert inputs(load(folder, content.replace("maybe", "1"), "data.csv")) == [
        'one\ntwo, "three"',
        "four",
    ]


def test_korean_spreadsheets_are_read(folder: Path) -> None:
    content = "text,label\n숫돌 있어요?,0\n".encode("cp949")
    assert inputs(load(folder, content, "data.csv")) == ["숫돌 있어요?"]


def test_an_unquoted_comma_is_noticed(folder: Path) -> None:
    assert "has the label" in refusal(folder, "text,label\ntea, please,0\n", "data.csv")


def test_a_huge_field_is_refused_with_its_line(folder: Path) -> None:
    told = refusal(folder, f"text,label\n{GOOD},0\n{'a' * (LONGEST + 1)},0\n", "data.csv")
    assert "data.csv:3 has 1,000,001 characters" in told
    told = refusal(folder, f"text,label\n{GOOD},0\n{'a' * (4 * LONGEST + 1)},0\n", "data.csv")
    assert "is not CSV: field larger than field limit" in told


def test_columns_from_flags_have_usual_names() -> None:
    assert columns_of(None, []) == Columns(text="text", labels=("label",))
    assert columns_of("comment", ["hate", "spam"]) == Columns(
        text="comment", labels=("hate", "spam")
    )


# Files that are no data


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no records"),
        (b"\n \n", "holds no records"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "data.jsonl:1 is not UTF-8 text"),
        ("green tea\n".encode("utf-16"), "data.jsonl:1 is not UTF-8 text"),
        (b"\x00" * 100, "data.jsonl:1 is not JSON"),
        (b"a" * 1_000_000, "data.jsonl:1 is not JSON"),
        (b"[" * 1_000_000, "data.jsonl:1 is not JSON"),
        (b'{"text": "a", "label": ' + b"9" * 5_000 + b"}", "data.jsonl:1 is not JSON"),
        (b"text,label\na,1\n", "data.jsonl:1 is not JSON"),
        (b"[\n" + jsonl(*LINES) + b"]", "data.jsonl:1 is not JSON"),
        (json.dumps(LINES).encode(), "data.jsonl:1 is no JSON object with text and label"),
        (b'"text"', "data.jsonl:1 is no JSON object"),
        (b"\xed\xa0\x80", "data.jsonl:1 is not UTF-8 text"),
        (jsonl(*LINES)[:-5], "data.jsonl:2 is not JSON"),
        (gzip.compress(jsonl(*LINES))[:-12], "cannot be read"),
        (gzip.compress(jsonl(*LINES))[:20] + b"rubbish", "cannot be read"),
        (jsonl({"label": 1}), "data.jsonl:1 has no 'text'; it has label"),
        (jsonl({}), "data.jsonl:1 has no 'text'"),
        (jsonl(LINES[0], {"text": " ", "label": 1}), "data.jsonl:2 has no text"),
        (jsonl({"text": 5, "label": 1}), "data.jsonl:1 has no text"),
        (jsonl({"text": None, "label": 1}), "data.jsonl:1 has no text"),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)
def test_a_bad_file_is_refused_with_place_and_reason(
    folder: Path, content: bytes, told: str
) -> None:
    assert told in refusal(folder, content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "No column in data.csv named 'text'"),
        (b"text,label\n", "holds no records"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "neither UTF-8 nor CP949"),
        ("text,label\na,1\n".encode("utf-16"), "neither UTF-8 nor CP949"),
        (b"\x00" * 100, "No column"),
        (b"text,label\n,1\n", "data.csv:2 has no text"),
        (jsonl(*LINES), "No column in data.csv named 'text'"),
    ],
    ids=lambda value: "file" if isinstance(value, bytes) else None,
)
def test_a_bad_csv_file_is_refused_with_place_and_reason(
    folder: Path, content: bytes, told: str
) -> None:
    assert told in refusal(folder, content, "data.csv")


def test_a_folder_is_no_file(folder: Path) -> None:
    with pytest.raises(BadInput, match="is a folder: name the files in it"):
        labelled(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.jsonl does not exist"):
        labelled(folder / "nowhere.jsonl")


def test_a_path_below_a_file_cannot_be_read(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(BadInput, match="cannot be read"):
        labelled(folder / "file" / "data.jsonl")


# Harmless texts


def test_harmless_texts_need_no_label(folder: Path) -> None:
    for name, content in [
        ("shop.jsonl", jsonl({"text": GOOD}, {"text": "green tea", "label": 0})),
        ("shop.csv", f"text\n{GOOD}\ngreen tea\n".encode()),
    ]:
        (folder / name).write_bytes(content)
        found = harmless(folder / name)
        assert inputs(found) == [GOOD, "green tea"]
        assert {(one.target, one.source) for one in found} == {("", "benign:shop")}


def test_harmless_texts_may_not_say_otherwise(folder: Path) -> None:
    (folder / "shop.jsonl").write_bytes(jsonl({"text": GOOD}, LINES[0]))
    with pytest.raises(BadInput, match="holds texts labelled violating"):
        harmless(folder / "shop.jsonl")


def test_harmless_texts_in_csv_may_not_say_otherwise_either(folder: Path) -> None:
    (folder / "shop.csv").write_text(f"id,text,label\n1,{GOOD},\n2,{BAD},0\n", encoding="utf-8")
    assert [one.meta["id"] for one in harmless(folder / "shop.csv")] == ["1", "2"]
    (folder / "shop.csv").write_text(f"text,label\n{BAD},1\n", encoding="utf-8")
    with pytest.raises(BadInput, match="holds texts labelled violating"):
        harmless(folder / "shop.csv")


def test_a_file_without_texts_holds_none(folder: Path) -> None:
    (folder / "shop.jsonl").touch()
    with pytest.raises(BadInput, match="holds no texts"):
        harmless(folder / "shop.jsonl")
