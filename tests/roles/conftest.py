"""A toy world in which buying blorp is forbidden and calling anyone a wombat is rude."""

from collections.abc import Callable, Sequence
from random import Random

import pytest

from sutdol.core.text.reading import key
from sutdol.core.types import Disguised, Example, Language, Part
from sutdol.loop.role import Lesson
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole

OPENINGS = {
    "en": ["I think", "she said", "yesterday", "you know", "by the way", "maybe", "we hope"],
    "ko": ["내 생각에는", "어제", "그런데", "아마", "아침에", "우리 동네에서", "오늘은"],
}
HARMLESS = {
    "en": [
        "the garden is lovely", "the train was late again", "the soup needs more salt",
        "our dog likes the snow", "the museum opens at nine", "they painted the fence",
        "a cup of green tea helps", "the library moved", "my sister plays the drums",
    ],
    "ko": [
        "정원이 참 예쁘네요", "기차가 또 늦었어요", "국에 소금이 부족해요",
        "강아지가 눈을 좋아해요", "박물관은 아홉 시에 열어요", "울타리를 칠했어요",
        "차 한 잔이 도움이 돼요",
        "도서관이 이사했어요", "언니는 드럼을 쳐요",
    ],
}  # fmt: skip
FORBIDDEN = {
    "spam": {
        "en": ["buy cheap blorp", "buy cheap blorp now", "buy your cheap blorp here"],
        "ko": ["싼 블롭 사세요", "싼 블롭 지금 사세요", "여기서 싼 블롭 사세요"],
    },
    "harassment": {
        "en": ["you silly wombat", "what a silly wombat"],
        "ko": ["이 바보 웜뱃아", "바보 웜뱃이네"],
    },
}
LANGUAGES: tuple[Language, ...] = ("en", "ko")


def example(text: str, target: str, lang: str, part: Part) -> Example:
    return Example(
        input=text, target=target, lang=lang, source="import:toy", group=key(text), part=part
    )


def sentence(target: str, lang: str, random: Random) -> str:
    words = [random.choice(OPENINGS[lang]), random.choice(HARMLESS[lang])]
    if target:
        words.insert(random.randrange(3), random.choice(FORBIDDEN[target][lang]))
    return " ".join(words) + random.choice(["", ".", "!", " :)", f" {random.randrange(100)}"])


@pytest.fixture(scope="session")
def toys() -> Callable[..., list[Example]]:
    """`toys(200)`: half harmless, a quarter of each kind of violation, in both languages."""

    def make(
        count: int,
        *,
        part: Part = "train",
        seed: int = 0,
        targets: Sequence[str] = ("", "spam", "", "harassment"),
        languages: Sequence[Language] = LANGUAGES,
    ) -> list[Example]:
        random = Random(seed)
        kinds = [(target, lang) for target in targets for lang in languages]
        drawn = [kinds[place % len(kinds)] for place in range(count)]
        return [
            example(sentence(target, lang, random), target, lang, part) for target, lang in drawn
        ]

    return make


@pytest.fixture(scope="session")
def lesson(toys: Callable[..., list[Example]]) -> Lesson:
    return Lesson(train=toys(480), dev=toys(480, part="dev", seed=1), seed=0)


@pytest.fixture(scope="session")
def shout() -> Callable[[Example], Sequence[Disguised]]:
    """Two fixed disguises: capitals, and dots between the letters."""

    def disguises(case: Example) -> Sequence[Disguised]:
        loud, dotted = case.input.upper(), ".".join(case.input)
        return [
            Disguised(text=loud, attack="capitals", family="case", seed=1),
            Disguised(text=dotted, attack="dots", family="segment", seed=2),
        ]

    return disguises


@pytest.fixture(scope="session")
def role(shout: Callable[[Example], Sequence[Disguised]]) -> GuardRole:
    return GuardRole(shout, fpr=0.05)


@pytest.fixture(scope="session")
def guard(role: GuardRole, lesson: Lesson) -> Classifier:
    """A classifier that knows the toy world."""
    return role.fit(lesson)
