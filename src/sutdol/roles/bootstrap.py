"""Our own harmless and violating texts, so that a machine without data can train a first guard."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from random import Random
from unicodedata import normalize

import yaml

from sutdol.core.types import Language

LANGUAGES: tuple[Language, ...] = ("en", "ko")
REGISTERS = ("casual", "formal")
HARMLESS = "harmless"  # how the data files spell the category ""
PER_TEMPLATE = 8  # few: a model must learn the words, not the skeletons
TRIES = 5 * PER_TEMPLATE  # a short skeleton repeats itself

SLOT_OR_CHOICE = re.compile(r"\{([a-z_]+)\}|\[([^\[\]]*\|[^\[\]]*)\]")
ARTICLE = re.compile(r"\{a/an\}(?=\s+(\w+))")
PARTICLE = re.compile(r"([^\W_])(\W*)\{([가-힣]*)/([가-힣]*)\}")
VOWEL_SOUND = re.compile(r"(?!use|uni|eu|one)[aeiou]", re.IGNORECASE)
LONG_WORD = re.compile(r"[a-z]{5,}")
ENDS_IN_RIEUL, ENDS_IN_CONSONANT = "178lr", "036mn"  # digits and letters by their Korean names

Lists = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text of the corpus; `group` names its template."""

    text: str
    lang: Language
    category: str  # "" when harmless
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A sentence with slots, and the group that all its texts share."""

    skeleton: str
    category: str
    group: str


def bootstrap(seed: int = 0) -> list[Text]:
    """The whole corpus: the same texts for the same seed, no text twice."""
    unique: dict[str, Text] = {}
    for lang in LANGUAGES:
        for text in _texts(lang, seed):
            unique.setdefault(fold(text.text), text)
    return list(unique.values())


def fold(text: str) -> str:
    """Texts that differ only in composition, case or white space fold to the same string."""
    return " ".join(normalize("NFC", text).casefold().split())


def agree(text: str) -> str:
    """Choose `{a/an}` by the next word and Korean `{을/를}` by the sound before it."""
    text = ARTICLE.sub(lambda found: "an" if VOWEL_SOUND.match(found[1]) else "a", text)
    return PARTICLE.sub(_particle, text)


def _texts(lang: Language, seed: int) -> Iterator[Text]:
    source = files("sutdol.roles") / "bootstrap_data" / f"{lang}.yaml"
    data = yaml.safe_load(source.read_text(encoding="utf-8"))
    slots = _lists(data["slots"])
    for register in REGISTERS:
        sections = dict(data[register])
        dress = _lists(sections.pop("dress"))
        for template in _templates(lang, sections):
            random = Random(f"{seed} {template.group}")
            for text in _variants(template.skeleton, slots, dress, random):
                yield Text(text=text, lang=lang, category=template.category, group=template.group)


def _templates(lang: Language, sections: Mapping[str, str]) -> Iterator[Template]:
    for name, block in sections.items():
        for skeleton in block.splitlines():
            if skeleton and not skeleton.startswith("# "):
                yield Template(
                    skeleton=skeleton,
                    category="" if name == HARMLESS else name,
                    group=f"bootstrap:{lang}:{sha256(skeleton.encode()).hexdigest()[:10]}",
                )


def _lists(fields: Mapping[str, str]) -> Lists:
    return {name: [item.strip() for item in field.split("|")] for name, field in fields.items()}


def _variants(skeleton: str, slots: Lists, dress: Lists, random: Random) -> list[str]:
    variants: dict[str, str] = {}
    for _ in range(TRIES):
        if len(variants) == PER_TEMPLATE:
            break
        text = agree(_fill(_dress(skeleton, dress, random), slots, random))
        text = _slip(_case(text, random), random)
        variants.setdefault(fold(text), text)
    return list(variants.values())


def _dress(text: str, dress: Lists, random: Random) -> str:
    """Openers, endings and asides come to both classes alike: shape must not tell the class."""
    if random.random() < 0.45 and not text.endswith("?"):
        text = text.rstrip(".!") + random.choice(dress["ends"])
    if random.random() < 0.12:
        text = f"{text} {random.choice(dress['after'])}"
    if random.random() < 0.12:
        text = f"{random.choice(dress['before'])} {text}"
    if random.random() < 0.24:
        aside = random.choice(dress["aside"])
        text = random.choice((f"{text} {aside}", f"{aside} {text}"))
    return text


def _fill(text: str, slots: Lists, random: Random) -> str:
    while found := SLOT_OR_CHOICE.search(text):
        options = slots[found[1]] if found[1] else found[2].split("|")
        text = text[: found.start()] + random.choice(options) + text[found.end() :]
    return text


def _particle(found: re.Match[str]) -> str:
    letter, between, closed, opened = found.groups()
    final = _final(letter)
    takes_open = final == "" or (final == "ㄹ" and opened == "로")
    return letter + between + (opened if takes_open else closed)


def _final(letter: str) -> str:
    """How a syllable, letter or digit ends when read in Korean: "", "ㄹ" or "ㄱ" for the rest."""
    if "가" <= letter <= "힣":
        return {0: "", 8: "ㄹ"}.get((ord(letter) - ord("가")) % 28, "ㄱ")
    if letter.lower() in ENDS_IN_RIEUL:
        return "ㄹ"
    return "ㄱ" if letter.lower() in ENDS_IN_CONSONANT or "ㄱ" <= letter <= "ㅎ" else ""


def _case(text: str, random: Random) -> str:
    """Many people type in one case."""
    luck = random.random()
    if luck < 0.25:
        return text.lower()
    return text.upper() if luck < 0.31 else text


def _slip(text: str, random: Random) -> str:
    """Now and then two letters swap or a space is lost, never inside an address."""
    if random.random() > 0.08 or "example" in text.lower():
        return text
    if words := [found.start() for found in LONG_WORD.finditer(text)]:
        at = random.choice(words) + 2
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    spaces = [at for at, letter in enumerate(text) if letter == " "]
    lost = random.choice(spaces) if len(spaces) > 1 else len(text)
    return text[:lost] + text[lost + 1 :]
