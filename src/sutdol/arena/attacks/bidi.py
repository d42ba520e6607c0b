"""Text written backwards."""

import re
from random import Random

from sutdol.arena.attack import attack

RIGHT_TO_LEFT, POP = "\u202e", "\u202c"
MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")

# What belongs to the character before it: accents, jamo of a syllable, selectors, skin tones.
_TAIL = "[\u0300-\u036f\u1160-\u11ff\u1ab0-\u1aff\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]*"
_SEEN_AS_ONE = re.compile(f".{_TAIL}(?:\u200d.{_TAIL})*", re.DOTALL)


def _backwards(text: str) -> str:
    return "".join(reversed(_SEEN_AS_ONE.findall(text)))


@attack("bidi_rlo", family="bidi", scope="message")
def bidi_rlo(text: str, random: Random) -> str:
    """Stored backwards, with an invisible mark that makes it show forwards."""
    # The mark's effect ends with the line, and it shows brackets mirrored.
    return "".join(
        RIGHT_TO_LEFT + _backwards(line).translate(MIRRORED) + POP if line.strip() else line
        for line in re.split(r"([\n\r\u2029]+)", text)
    )


@attack("reverse", family="bidi", scope="message")
def reverse(text: str, random: Random) -> str:
    """The whole message runs backwards."""
    return _backwards(text)
