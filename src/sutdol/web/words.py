"""Korean for English: what templates and modules say, by the English that stands in them."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
NAMES: dict[Language, str] = {"en": "English", "ko": "한국어"}
COOKIE = "sutdol_language"
FOLDER = Path(__file__).parent / "ko"
SAID = re.compile(r"""\bt\(\s*("(?:[^"\\]|\\.)*")""")
"""A text in a module; one of several lines is no text of ours."""


def say(language: Language, english: str) -> str:
    """The text in a language; one that nobody translated stays English."""
    return korean().get(english, english) if language == "ko" else english


@cache
def korean() -> dict[str, str]:
    """Korean by English, out of a file for each part of the pages."""
    found: dict[str, str] = {}
    for one in sorted(FOLDER.iterdir()):
        found |= json.loads(one.read_text(encoding="utf-8"))
    return found


def said_in(module: str) -> set[str]:
    """The English texts in the source of an ES module."""
    return {json.loads(one) for one in SAID.findall(module)}


def wanted(cookie: str | None, accepted: str) -> Language:
    """The language that was chosen, or else the first of those a browser accepts that we have."""
    for one in LANGUAGES:
        if cookie == one:
            return one
    for part in accepted.lower().split(","):
        for one in LANGUAGES:
            if re.match(rf"\s*{one}\b", part):
                return one
    return "en"
