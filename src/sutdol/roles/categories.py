"""What a violating text can be: OpenAI's moderation categories, and two that people miss there."""

from collections.abc import Mapping

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
    "profanity",
    "spam",
)
UNSPECIFIED = "unspecified"  # violating, but the label names no category we know

ALIASES: Mapping[str, str] = {
    "offensive": "harassment",
    "toxic": "harassment",
    "abusive": "harassment",
    "insult": "harassment",
    "threat": "harassment/threatening",
    "gambling": "spam",
    "scam": "spam",
    "hateful": "hate",
}


def category(name: str) -> str:
    """The category a label means; `UNSPECIFIED` when it names none."""
    plain = name.strip().casefold()
    plain = ALIASES.get(plain, plain)
    return plain if plain in CATEGORIES else UNSPECIFIED
