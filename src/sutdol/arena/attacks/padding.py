"""The message hidden among harmless words or marks."""

import re
from random import Random

from sutdol.arena.attack import attack, some
from sutdol.core.text.hangul import has_hangul

ENGLISH = (
    "Thank you all for the lovely evening.",
    "The weather has been wonderful this week.",
    "I just finished a great book about gardening.",
    "Does anyone know a good recipe for apple pie?",
    "Happy birthday to my little sister!",
    "The train was right on time today.",
    "We are planting tomatoes in the school garden.",
    "Hope everyone has a great weekend.",
    "My cat is asleep on the keyboard again.",
    "The new library opens on Monday morning.",
)
KOREAN = (
    "오늘 날씨가 정말 좋네요.",
    "다들 좋은 하루 보내세요.",
    "어제 읽은 책이 아주 재미있었어요.",
    "주말에 가족들과 공원에 다녀왔습니다.",
    "혹시 맛있는 김치찌개 끓이는 법 아시나요?",
    "생일 축하해 주셔서 감사합니다!",
    "새로 생긴 도서관이 참 조용하고 좋아요.",
    "우리 고양이는 지금 낮잠을 자고 있어요.",
    "내일 아침에는 비가 온다고 합니다.",
    "맛있는 저녁 드시고 푹 쉬세요.",
)
ENGLISH_QUOTES = (
    ('"', '"'), ("“", "”"), ("> ", ""), ('Someone wrote: "', '"'), ("(", ")"),
    ('My friend asked what "', '" means.'), ("```\n", "\n```"),
)  # fmt: skip
KOREAN_QUOTES = (
    ('"', '"'), ("“", "”"), ("「", "」"), ("> ", ""), ('누가 "', '"라고 썼어요.'), ("(", ")"),
    ('"', '" 이게 무슨 뜻이에요?'),
)  # fmt: skip
MARKS = ("**", "*", "~~", "`")

_WORDS = re.compile(r"([^\W\d_]{2,})")


def _small_talk(text: str, random: Random) -> str:
    sentences = KOREAN if has_hangul(text) else ENGLISH
    return " ".join(random.sample(sentences, random.randint(1, 2)))


@attack("benign_prefix", family="padding", scope="message")
def benign_prefix(text: str, random: Random) -> str:
    """Harmless small talk goes before the message."""
    return f"{_small_talk(text, random)} {text}"


@attack("benign_suffix", family="padding", scope="message")
def benign_suffix(text: str, random: Random) -> str:
    """Harmless small talk follows the message."""
    return f"{text} {_small_talk(text, random)}"


@attack("quote_wrap", family="padding", scope="message")
def quote_wrap(text: str, random: Random) -> str:
    """The message poses as somebody else's words."""
    before, after = random.choice(KOREAN_QUOTES if has_hangul(text) else ENGLISH_QUOTES)
    return before + text + after


@attack("markdown_split", family="padding", scope="message")
def markdown_split(text: str, random: Random) -> str:
    """Marks for bold, italic or struck text begin in the middle of words."""
    mark = random.choice(MARKS)
    pieces = _WORDS.split(text)  # every other piece is a word
    for place in some(range(1, len(pieces), 2), 0.6, random):
        word = pieces[place]
        cut = random.randrange(1, len(word))
        pieces[place] = word[:cut] + mark + word[cut:] + mark
    return "".join(pieces)
