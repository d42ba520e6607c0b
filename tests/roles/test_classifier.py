"""The guard's model: one score by every way, a span in the original text, bytes that are proven."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.core.errors import BadInput, Corrupted
from sutdol.core.text.lexicon import EMPTY
from sutdol.core.types import Example
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.classifier import Classifier, load
from sutdol.roles.texts import LONGEST, STRIDE, WINDOW, Texts, windows

PHRASE, HARMLESS = "buy cheap blorp", "the garden is lovely"
PADDING = "our dog likes the snow. " * 40
KOREAN_PADDING = "강아지가 눈을 좋아해요. " * 60
TEXTS = {
    "phrase": PHRASE,
    "harmless": HARMLESS,
    "korean phrase": "어제 싼 블롭 사세요",
    "nothing": "",
    "white space": " \n\u3000 ",
    "emoji": "👩‍👧 ❤️ 🍋",
    "half a pair": "\ud800",
    "one letter": "a",
    "one window": (PADDING * 2)[:WINDOW],
    "a letter more": (PADDING * 2)[: WINDOW + 1],
    "long": PADDING + PHRASE + PADDING,
    "long and korean": KOREAN_PADDING + "싼 블롭 사세요 " + KOREAN_PADDING,
    "long and empty": " " * 2_000,
}
DISGUISED = {
    "plain": "buy cheap blorp",
    "zero width": "b\u200bu\u200by c\u200bh\u200be\u200bap blo\u200brp",
    "fullwidth": "ｂｕｙ ｃｈｅａｐ ｂｌｏｒｐ",
    "leet": "8uy ch34p bl0rp",
    "upside down": "ʎnq dɐǝɥɔ dɹoꞁq",
    "spaced out": "b.u.y c.h.e.a.p b.l.o.r.p",
    "accents": "bùy chéáp blôrp",
    "circled": "ⓑⓤⓨ ⓒⓗⓔⓐⓟ ⓑⓛⓞⓡⓟ",
    "stretched": "buy cheeeeap blorrrrp",
    "korean": "싼 블롭 사세요",
    "korean in letters": "ㅆㅏㄴ ㅂㅡㄹㄹㅗㅂ ㅅㅏㅅㅔㅇㅛ",
}


# One score


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_has_one_score_whoever_asks(guard: Classifier, text: str) -> None:
    others = list(TEXTS.values())
    place = others.index(text)
    scores, flags = guard.judge(others)
    found = guard.check(text)
    assert guard.score(text) == guard.scores([text])[0] == scores[place] == found.score
    assert found.flagged == flags[place] == guard.judge([text])[1][0]


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=())), max_size=4))
def test_any_texts_have_one_score_whoever_asks(guard: Classifier, texts: list[str]) -> None:
    scores, flags = guard.judge(texts)
    assert scores.tolist() == [guard.score(text) for text in texts]
    assert flags.tolist() == [guard.check(text).flagged for text in texts]
    assert all(0 <= score <= 1 for score in scores)


def test_texts_judged_again_score_as_before(guard: Classifier) -> None:
    texts, known = list(TEXTS.values()), Texts()
    for _ in range(2):
        scores, flags = guard.judge_known(texts, known)
        assert scores.tolist() == guard.known_scores(texts, known).tolist()
        assert scores.tolist() == guard.scores(texts).tolist()
        assert flags.tolist() == guard.judge(texts)[1].tolist()


def test_no_texts_have_no_scores(guard: Classifier) -> None:
    scores, flags = guard.judge([])
    assert scores.tolist() == flags.tolist() == []
    assert guard.known_scores([], Texts()).tolist() == []


def test_what_was_learnt_is_known(guard: Classifier) -> None:
    assert guard.score(PHRASE) > 0.9
    assert guard.score(HARMLESS) < 0.1


# Long texts


def test_padding_hides_nothing(guard: Classifier) -> None:
    for before in (0, 100, 599, 600, 601, 1_000, 5_000):
        text = (PADDING * 6)[:before] + f" {PHRASE} " + PADDING
        assert guard.judge([text])[1][0], before


@pytest.mark.parametrize("length", [0, 1, 599, 600, 601, 1_049, 1_050, 1_051, 5_000])
def test_windows_cover_a_text_and_overlap(length: int) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(length))
    pieces = [piece for _, piece in windows(text)]
    assert all(len(piece) <= WINDOW for piece in pieces)
    starts = [start for start, _ in windows(text)]
    assert starts == [text.index(piece) for piece in pieces]
    assert starts == [STRIDE * place for place in range(len(pieces))]
    assert pieces[0] + "".join(piece[WINDOW - STRIDE :] for piece in pieces[1:]) == text


HIDDEN = {
    "zero width": "\u200b",
    "variation selectors": "\ufe0f",
    "accents": "\u0301",
    "blank letters": "\u3164",
    "tags": "\U000e0061",
    "marks of direction": "\u202d",
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("around", ["{}", PADDING + "{} " + PADDING])
def test_padding_that_does_not_show_hides_nothing(
    guard: Classifier, hidden: str, around: str
) -> None:
    padded = (hidden * 700).join(PHRASE)
    text = around.format(padded)
    assert guard.score(text) == pytest.approx(guard.score(around.format(PHRASE)))
    found = guard.check(text)
    assert found.flagged
    assert found.span is not None
    begin = text.index(padded)
    assert found.span[0] < begin + len(padded) / 2 < found.span[1]


def test_white_space_that_does_not_show_hides_nothing(guard: Classifier) -> None:
    assert guard.score((" " * 700).join(PHRASE.split())) == pytest.approx(guard.score(PHRASE))


def test_the_span_is_that_of_the_worst_window_where_its_text_stands_twice(
    guard: Classifier,
) -> None:
    worst = PHRASE.rjust(WINDOW, ".")
    text = PADDING[:100] + worst + PADDING[: 2 * STRIDE - WINDOW - 100] + worst
    assert windows(text)[-1] == (2 * STRIDE, worst)
    span = guard.check(text).span
    assert span is not None
    assert text.rindex(PHRASE) <= span[1]
    assert span[0] >= 2 * STRIDE


def test_a_text_beyond_all_measure_is_refused(guard: Classifier) -> None:
    with pytest.raises(BadInput, match="5,000,001 characters is too long; 5,000,000 are the most"):
        guard.score("a" * (LONGEST + 1))


def test_one_flagged_window_flags_the_text_whatever_its_language(guard: Classifier) -> None:
    lenient = replace(guard, thresholds={"*": 0.5, "en": 0.5, "ko": 1.1})
    english = PADDING + f"cheap blorp {PADDING}"
    korean = KOREAN_PADDING + "여기서 싼 블롭 사세요 " * 20
    assert guard.score(korean) > guard.score(english)  # and yet no Korean text is flagged
    assert lenient.judge([english + korean])[1][0]
    found = lenient.check(english + korean)
    assert found.flagged
    assert found.language == "en"
    assert found.score >= found.threshold


# What is shown


@pytest.mark.parametrize("phrase", DISGUISED.values(), ids=DISGUISED)
@pytest.mark.parametrize("around", ["{}", "the library moved, {} she said", PADDING + "{} or so"])
def test_the_span_covers_the_phrase_as_it_was_written(
    guard: Classifier, phrase: str, around: str
) -> None:
    text = around.format(phrase)
    found = guard.check(text)
    assert found.flagged
    assert found.span is not None
    start, end = found.span
    begin = text.index(phrase)
    covered = min(end, begin + len(phrase)) - max(start, begin)
    assert covered >= 0.8 * len(phrase), text[start:end]
    assert end - start <= len(phrase) + 25  # and little else
    assert found.view in ("normalised", "skeleton", "consonants")


def test_a_harmless_text_has_no_span_and_no_category(guard: Classifier) -> None:
    found = guard.check(HARMLESS)
    assert not found.flagged
    assert found.span is None
    assert found.applies == ()


def test_the_finding_says_what_was_compared(guard: Classifier) -> None:
    english, korean = guard.check(PHRASE), guard.check("싼 블롭 사세요")
    assert (english.language, korean.language) == ("en", "ko")
    assert english.threshold == guard.thresholds["en"]
    assert korean.threshold == guard.thresholds["ko"]
    assert guard.threshold("eo") == guard.thresholds["*"]


@pytest.mark.parametrize(
    ("text", "category"),
    [(PHRASE, "spam"), ("you silly wombat", "harassment"), ("바보 웜뱃이네", "harassment")],
)
def test_the_likeliest_category_applies(guard: Classifier, text: str, category: str) -> None:
    found = guard.check(text)
    assert found.applies == (category,)
    assert found.categories[category] > 0.5 * found.score


def test_untrained_categories_answer_no(guard: Classifier) -> None:
    found = guard.check(PHRASE)
    assert tuple(found.categories) == CATEGORIES
    assert found.untrained == tuple(
        name for name in CATEGORIES if name not in ("spam", "harassment")
    )
    assert all(found.categories[name] == 0 for name in found.untrained)
    assert not set(found.applies) & set(found.untrained)


def test_without_any_trained_category_none_applies(guard: Classifier) -> None:
    bare = replace(guard, categories={}, shares={})
    found = bare.check(PHRASE)
    assert found.flagged
    assert found.applies == ()
    assert found.untrained == CATEGORIES


def test_the_only_category_of_a_model_is_as_likely_as_the_violation(guard: Classifier) -> None:
    single = replace(guard, categories={}, shares={"spam": 1.0})
    found = single.check(PHRASE)
    assert found.applies == ("spam",)
    assert found.categories["spam"] == found.score


# Stored and loaded


@pytest.fixture
def stored(guard: Classifier, tmp_path: Path) -> Path:
    guard.save(tmp_path / "model", {"recipe": {"kind": "toy"}})
    return tmp_path / "model"


def test_a_loaded_model_scores_the_same_to_the_bit(
    guard: Classifier, stored: Path, toys: Callable[..., list[Example]]
) -> None:
    again = load(stored, "guard-7")
    texts = [*TEXTS.values(), *(one.input for one in toys(100, seed=9))]
    assert again.scores(texts).tolist() == guard.scores(texts).tolist()
    assert [again.check(text) for text in texts] == [guard.check(text) for text in texts]
    assert again.version == "guard-7"
    assert again.thresholds == guard.thresholds


def test_the_manifest_says_what_the_model_is(guard: Classifier, tmp_path: Path) -> None:
    checksum = guard.save(tmp_path, {"recipe": {"kind": "toy"}})
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["recipe"] == {"kind": "toy"}
    assert manifest["checksum"] == checksum
    assert checksum == sha256((tmp_path / "model.npz").read_bytes()).hexdigest()
    assert manifest["heads"] == ["harassment", "spam"]


def test_saving_twice_writes_the_same_weights(guard: Classifier, stored: Path) -> None:
    load(stored, "one").save(stored.parent / "two", {})
    with np.load(stored / "model.npz") as one, np.load(stored.parent / "two/model.npz") as two:
        assert all(np.array_equal(one[name], two[name]) for name in ("weights", "biases"))


def corrupted(folder: Path) -> str:
    """What the user is told."""
    with pytest.raises(Corrupted) as raised:
        load(folder, "guard-7")
    return str(raised.value)


def test_a_changed_byte_is_noticed(stored: Path) -> None:
    path = stored / "model.npz"
    raw = bytearray(path.read_bytes())
    for place in (0, len(raw) // 2, len(raw) - 1):
        raw[place] ^= 1
        path.write_bytes(raw)
        told = corrupted(stored)
        assert "guard-7 is damaged" in told
        assert "sutdol loop rollback guard" in told
        raw[place] ^= 1


@pytest.mark.parametrize("left", [0, 100, -1])
def test_a_truncated_file_is_noticed(stored: Path, left: int) -> None:
    path = stored / "model.npz"
    path.write_bytes(path.read_bytes()[:left])
    assert "is damaged" in corrupted(stored)


@pytest.mark.parametrize("name", ["manifest.json", "model.npz"])
def test_a_missing_file_is_named_with_advice(stored: Path, name: str) -> None:
    (stored / name).unlink()
    told = corrupted(stored)
    assert name in told
    assert "sutdol loop rollback guard" in told


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null", '"spam"', "\udcff"])
def test_a_manifest_that_is_none_is_refused(stored: Path, content: str) -> None:
    path = stored / "manifest.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "guard-7" in corrupted(stored)


def rewrite(folder: Path, changes: dict[str, Any], arrays: dict[str, Any] | None = None) -> None:
    """Change a stored model as a forger would: with the checksum put right."""
    if arrays is not None:
        np.savez(folder / "model.npz", allow_pickle=True, **arrays)
    checksum = sha256((folder / "model.npz").read_bytes()).hexdigest()
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest |= {"checksum": checksum} | changes
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("name", ["format", "normaliser"])
def test_a_model_of_another_format_or_normaliser_must_be_trained_again(
    stored: Path, name: str
) -> None:
    rewrite(stored, {name: 0})
    told = corrupted(stored)
    assert f"{name} 0" in told
    assert "sutdol guard train --data" in told


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], Sequence[Any]]:
        return Path.touch, (self.path,)


def test_pickled_objects_are_refused_not_run(stored: Path, tmp_path: Path) -> None:
    bomb = np.array([Bomb(tmp_path / "boom")], dtype=object)
    rewrite(stored, {}, {"weights": bomb, "biases": np.zeros(1)})
    assert "is no model of ours" in corrupted(stored)
    assert not (tmp_path / "boom").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"weights": np.zeros((3, 8))},
        {"weights": np.zeros((3, 8)), "biases": np.zeros(2)},
        {"weights": np.zeros((1, 8)), "biases": np.zeros(1)},
    ],
    ids=["nothing", "no biases", "too few biases", "too few heads"],
)
def test_arrays_that_are_no_model_are_refused(stored: Path, arrays: dict[str, Any]) -> None:
    rewrite(stored, {}, arrays)
    assert "sutdol loop rollback guard" in corrupted(stored)


# Texts read before


def test_a_text_is_known_by_its_key_and_language() -> None:
    known = Texts()
    assert known.key("Green TEA") == known.key("g.r.e.e.n tea")
    assert known.languages(["green tea", "차 한 잔", ""]) == ["en", "ko", "en"]
    assert len(known.features(["green tea", ""], EMPTY)) == 2


def test_a_long_text_is_trained_on_by_its_first_window() -> None:
    known = Texts()
    long = known.features([PADDING + PHRASE], EMPTY)
    assert np.array_equal(long.columns, known.features([PADDING[:WINDOW]], EMPTY).columns)


def test_a_long_text_is_scored_by_all_its_windows(guard: Classifier) -> None:
    known = Texts()
    text = PADDING + PHRASE
    assert [len(found) for found in known.windows([PHRASE, text], EMPTY)] == [1, len(windows(text))]
    assert guard.known_scores([text, PADDING], known).tolist() == [
        guard.score(text),
        guard.score(PADDING),
    ]
    assert guard.known_scores([text], known)[0] > guard.known_scores([PADDING], known)[0] + 0.5


def test_too_many_texts_are_forgotten_and_read_again() -> None:
    class Few(Texts):
        MOST = 3

    known = Few()
    texts = [f"green tea {number}" for number in range(10)]
    assert known.languages(texts * 2) == ["en"] * 20
    assert np.array_equal(
        known.features(texts, EMPTY).columns, Texts().features(texts, EMPTY).columns
    )
    assert [len(found) for found in known.windows([PADDING * 3, "tea"], EMPTY)] == [
        len(windows(PADDING * 3)),
        1,
    ]
