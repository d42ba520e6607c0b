"""Which families are held out for ever, and which ones code covers."""

from collections.abc import Mapping

HELD_OUT: Mapping[str, tuple[str, ...]] = {
    "en": ("diacritic", "typo"),
    "ko": ("fake_final", "syllable_swap"),
}
"""No model ever trains on these. Code covers some (see below), so what they show is not learning
alone; syllable swaps nothing covers."""

COVERED_BY_CODE = frozenset(
    {
        "bidi", "case", "diacritic", "encoding", "fake_final", "invisible", "jamo",
        "keyboard_qwerty", "leet", "lookalike", "romanised", "segment", "stretch", "upside_down",
    }
)  # fmt: skip
"""A view of the normaliser was written for these: what they show is code, not learning."""

COVERED_IN_ENGLISH = frozenset({"mask", "typo"})
"""The guard's lexicon mends these, in words of Latin letters that its training texts hold."""


def covered(family: str) -> str:
    """What code does for a family, in a few words; empty where learning alone helps."""
    if family in COVERED_BY_CODE:
        return "covered by code"
    return "covered by code (en)" if family in COVERED_IN_ENGLISH else ""


def held_out(family: str, language: str) -> bool:
    return family in HELD_OUT.get(language, ())
