"""All views together: what they owe every text, and how much of a disguise they see through."""

import string
from functools import cache
from itertools import pairwise
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.disguise import disguise
from sutdol.arena.families import COVERED_BY_CODE
from sutdol.core.text.carrier import Plain
from sutdol.core.text.hangul import to_keys
from sutdol.core.text.reading import VIEWS, key, key_of, language, read, shown, trace
from sutdol.core.text.views import consonants, folded, skeleton

SENTENCES = {
    "en": """\
Please bring the old whetstone to the market tomorrow morning.
My grandmother planted seven tomato plants behind the garden shed.
The train from the coast was late again because of the snow.
Does anyone know a good recipe for apple pie with cinnamon?
We watched a quiet film about bees and then went home.
Could you water the flowers while we are on holiday?
The children painted the fence green over the long weekend.
Our library opens at nine and closes before dinner.
I found a blue umbrella under the bench in the park.
Thank you for helping me carry the heavy boxes upstairs.
The baker on the corner sells warm bread every morning.
She wrote a long letter to her friend about the mountains.
""".splitlines(),
    "ko": """\
내일 아침에 숫돌을 시장으로 가져와 주세요
할머니가 마당 뒤에 토마토를 일곱 그루 심었어요
눈이 많이 와서 기차가 또 늦게 도착했습니다
계피를 넣은 사과 파이 만드는 법을 아시나요
우리는 조용한 영화를 보고 집으로 돌아갔어요
휴가 동안 화분에 물을 좀 주실 수 있나요
아이들이 주말 내내 울타리를 초록색으로 칠했다
도서관은 아홉 시에 열고 저녁 전에 닫습니다
공원 벤치 아래에서 파란 우산을 찾았어요
무거운 상자를 위층으로 옮겨 주셔서 고맙습니다
모퉁이 빵집은 매일 아침 따뜻한 빵을 팔아요
친구에게 산 이야기를 담은 긴 편지를 썼어요
""".splitlines(),
}
RULES = [attack for attack in ATTACKS.values() if attack.group != "llm_generated"]
COVERED = [
    (language, attack)
    for language in SENTENCES
    for attack in RULES
    if attack.family in COVERED_BY_CODE and language in attack.languages
]
FLOOR = 0.97  # of the words of an attacked sentence stand in its skeleton, but for these
FLOORS = {
    ("en", "homoglyph"): 0.85,
    ("en", "leet_digit"): 0.85,
    ("en", "leet_symbol"): 0.75,
    ("en", "punct_insert"): 0.8,  # a mark may be the leet of a letter
    ("en", "upside_down"): 0.9,
    ("ko", "fake_final"): 0.3,
    ("ko", "jamo_lookalike"): 0.45,  # Latin letters among jamo are ambiguous
    ("ko", "punct_insert"): 0.75,
    ("ko", "romanised"): 0.5,
    ("ko", "reverse"): 0.9,
}
TRICKY = (
    "\u202e\u2067\u202c\u2069\u202a \n\u2028\x85ɐɔǝ&#;%41xX01|\\/()<>[]o2790@$\u0301\u200d\ufe0f"
    "👩👧ㅏㅇㄱabcdtlqkf=+\u1112\u1161\u11ab\u3164"
)
CHARACTERS = st.one_of(
    st.sampled_from(TRICKY),
    st.characters(),
    st.characters(categories=["Cs"]),
    st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")),
    st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    st.characters(min_codepoint=0x10000),
)
CODED = [
    "&#x41;", "&amp;", "%ED%95%9C%20", "aGVsbG8gdGhlcmUgZnJpZW5k", "68 65 6c 6c 6f 20 79 6f 75",
    "uryyb zl qrne sevraq", "oꞁꞁǝɥ", "annyeonghaseyo", "h.e.l.l.o", "ㅅㅜㅅ돌", "soooo", "h3ll0",
    "\u202eolleh\u202c", to_keys("안녕하세요"), "yadretsey morf seton eht em dnes",
]  # fmt: skip
ATTACKED = st.builds(
    lambda attack, text, seed: disguise(attack, text, Random(seed)),
    st.sampled_from(RULES),
    st.sampled_from([text for texts in SENTENCES.values() for text in texts]),
    st.integers(0, 99),
)
WILD = st.lists(
    st.one_of(st.text(CHARACTERS, max_size=40), st.sampled_from(CODED), ATTACKED), max_size=4
).map("".join)

IN_ORDER = ("invisible", "lookalike", "leet", "segment", "stretch", "case", "diacritic", "jamo")
STEADY = st.sampled_from([attack for attack in RULES if attack.family in IN_ORDER])


@settings(max_examples=400, deadline=None)
@given(WILD)
def test_what_is_traced_is_what_is_scored(text: str) -> None:
    traced = trace(text)
    assert tuple(traced[view].text for view in VIEWS) == read(text).views


@settings(max_examples=200, deadline=None)
@given(WILD)
def test_every_letter_of_a_view_comes_from_inside_the_text(text: str) -> None:
    for view in trace(text).values():
        assert len(view.spans) == len(view.text)
        assert all(0 <= start <= end <= len(text) for start, end in view.spans)


@settings(max_examples=200, deadline=None)
@given(STEADY, st.sampled_from(SENTENCES["en"] + SENTENCES["ko"]), st.integers(0, 99))
def test_spans_do_not_go_back_where_nothing_was_turned(
    attack: Attack, text: str, seed: int
) -> None:
    for view in trace(disguise(attack, text, Random(seed))).values():
        assert all(one <= other for one, other in pairwise(view.spans))


@pytest.mark.parametrize("attack", RULES, ids=lambda attack: attack.name)
def test_both_ways_of_reading_agree_under_every_attack(attack: Attack) -> None:
    for texts in SENTENCES.values():
        for seed, text in enumerate(texts):
            attacked = disguise(attack, text, Random(seed))
            traced = trace(attacked)
            assert tuple(traced[view].text for view in VIEWS) == read(attacked).views


@settings(max_examples=200, deadline=None)
@given(WILD)
def test_a_text_reads_the_same_each_time(text: str) -> None:
    assert read(text) == read(text)
    assert key(text) == key_of(read(text), text)
    assert language(read(text).normalised) in ("en", "ko")


@pytest.mark.parametrize("text", ["", " ", "\n\u3000", "\u200b", "\ud800", "🍋", "?!", "42"])
def test_text_without_letters_has_an_empty_skeleton(text: str) -> None:
    assert read(text).skeleton == read(text).consonants == ""


def test_words_at_the_ends_have_borders_too() -> None:
    reading = read("green tea")
    assert reading.views == (" green tea ", reading.skeleton, reading.consonants)
    traced = trace("green tea")["normalised"]
    assert (traced.spans[0], traced.spans[-1]) == ((0, 0), (9, 9))


def test_a_span_shows_the_disguised_word() -> None:
    text = "would you like le\u200bm\u200bon tea?"
    view = trace(text)["normalised"]
    start = view.text.index("lemon")
    begin, end = view.span(start, start + len("lemon"))
    assert text[begin:end] == "le\u200bm\u200bon"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("see you in the garden", "en"),
        ("", "en"),
        ("мы в саду", "en"),
        ("정원에서 봐요", "ko"),
        ("ㅋㅋ", "ko"),
        ("see you in the 정원", "ko"),
        (to_keys("정원에서 봐요"), "ko"),
    ],
)
def test_any_korean_letter_makes_a_text_korean(text: str, spoken: str) -> None:
    assert language(read(text).normalised) == spoken


def test_disguised_copies_share_a_key() -> None:
    assert (
        key("Green tea, please") == key("g.r.e.e.n TEA please") == key("ＧＲＥＥＮ tea... please!")
    )
    assert key("Green tea, please") != key("Black tea, please")


@pytest.mark.parametrize("text", ["42", "?!", "砥石", "🍋"])
def test_a_text_without_letters_has_a_key_of_its_own(text: str) -> None:
    assert key(text) == text
    assert key("\u200b") == "\u200b"
    assert key("") == ""


@cache
def words(text: str) -> list[tuple[str, str]]:
    """Skeleton and consonants of each word of a clean sentence, as it reads within it."""
    bones = [skeleton(Plain(word)) for word in read(text).normalised.split()]
    return [(one.text, consonants(one).text) for one in bones]


def recovered(attack: Attack, texts: list[str]) -> tuple[float, float]:
    """The share of words whose skeleton, and whose consonants, an attacked sentence still has."""
    found = []
    for seed, text in enumerate(texts):
        reading = read(disguise(attack, text, Random(seed)))
        found += [
            (bones in reading.skeleton, frame in reading.consonants) for bones, frame in words(text)
        ]
    whole, frames = zip(*found, strict=True)
    return sum(whole) / len(whole), sum(frames) / len(frames)


def test_disguises_that_code_covers_are_seen_through() -> None:
    table = {
        (spoken, attack.name): recovered(attack, SENTENCES[spoken]) for spoken, attack in COVERED
    }
    below = [name for name, found in table.items() if found[0] < FLOORS.get(name, FLOOR)]
    rows = [
        f"{spoken} {name:20} skeleton {whole:.2f} consonants {frames:.2f}"
        for (spoken, name), (whole, frames) in table.items()
    ]
    assert not below, "\n".join([f"below the floor: {below}", *rows])


def test_fake_finals_leave_the_consonants_alone() -> None:
    assert recovered(ATTACKS["fake_final"], SENTENCES["ko"])[1] > 0.75


def test_korean_backwards_is_seen_through() -> None:
    assert recovered(ATTACKS["reverse"], SENTENCES["ko"])[0] > 0.7


NASTY = {
    "one letter": "a",
    "spaces": " ",
    "beginnings of entities": "&#",
    "beginnings of percent codes": "%4",
    "percent codes": "%41",
    "entities": "&amp;",
    "spelled out": "a.",
    "spelled out in words": "h.e.l.l.o ",
    "drawn-out jamo": "ㅏㅇ",
    "silent jamo": "ㅇ",
    "base64": string.ascii_letters + string.digits + "+/",
    "hexadecimal": "aa ",
    "combining marks": "\u0301",
    "marks": ".",
    "brackets": "a(",
    "slashes": "\\/",
    "bars": "|\\",
    "leet": "a1",
    "digits after jamo": "ㄱ111111111",
    "turned letters": "ɐ",
    "turned words": "ɐ ",
    "marks of direction": "\u202e",
    "half a pair": "\ud800",
    "syllables": "가",
    "families": "👩‍👧",
    "line ends": "\n",
    "long ligatures": "\ufdfa",
    "both languages": "안녕 tlqkf 1 hello ",
    "digits": "1",
    "zeros": "0",
    "signs": "@",
    "digits before letters": "1a",
    "turned words and laughter": "ɐㅋ",
    "endings": "요 ",
}


def seconds(text: str) -> float:
    started = process_time()
    read(text)
    return process_time() - started


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY)
def test_no_text_takes_long(piece: str) -> None:
    assert seconds((piece * 100_000)[:100_000]) < 2
    assert seconds("ɐ " + (piece * 100_000)[:100_000]) < 2


@pytest.mark.parametrize("piece", NASTY.values(), ids=NASTY)
def test_nasty_texts_are_traced_as_they_are_scored(piece: str) -> None:
    for text in ((piece * 3_000)[:3_000], "hello " + (piece * 5_000)[:5_000] + " there"):
        traced = trace(text)
        assert tuple(traced[view].text for view in VIEWS) == read(text).views


def test_the_places_of_what_shows_leave_out_what_does_not() -> None:
    text = " \t a\u200b\u0301b\n \u3000c\u202e가\ufe0f"
    assert "".join(text[place] for place in shown(text)) == " ab\nc가"
    assert list(shown("")) == []


@given(WILD)
def test_only_what_shows_is_read(text: str) -> None:
    """Hidden characters may turn a text around, but bring no letters of their own."""
    kept = "".join(text[place] for place in shown(text))
    assert sorted(folded(Plain(kept)).text) == sorted(folded(Plain(text)).text)
