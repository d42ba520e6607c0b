"""Words turned on their head."""

import re
from random import Random
from string import ascii_lowercase, ascii_uppercase

from sutdol.arena.attack import attack

TURNED = str.maketrans(
    ascii_lowercase + ascii_uppercase,
    "ɐqɔpǝɟƃɥᴉɾʞꞁɯuodbɹsʇnʌʍxʎz" + "∀ᗺƆᗡƎℲ⅁HIſʞ⅂WNOԀΌᴚS⊥∩ΛMX⅄Z",
)


@attack("upside_down", family="upside_down", languages=("en",))
def upside_down(word: str, random: Random) -> str:
    """Latin letters are turned by half a circle: oꞁꞁǝɥ."""
    return re.sub("[A-Za-z]+", lambda run: run[0][::-1].translate(TURNED), word)
