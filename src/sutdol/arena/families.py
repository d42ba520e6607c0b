"""Which families are held out for ever, and which ones code covers."""

from collections.abc import Mapping

HELD_OUT: Mapping[str, tuple[str, ...]] = {
    "en": ("diacritic", "typo"),
    "ko": ("fake_final", "syllable_swap"),
}
"""No model ever trains on these. One of each pair is covered by a view of the normaliser."""

COVERED_BY_CODE = frozenset(
    {
        "bidi", "case", "diacritic", "encoding", "fake_final", "invisible", "jamo",
        "keyboard_qwerty", "leet", "lookalike", "romanised", "segment", "stretch", "upside_down",
    }
)  # fmt: skip
"""A view of the normaliser was written for these: what they show is code, not learning."""


def held_out(family: str, language: str) -> bool:
    return family in HELD_OUT.get(language, ())
