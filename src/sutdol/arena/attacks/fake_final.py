"""Korean syllables closed with a consonant that means nothing."""

from functools import lru_cache
from random import Random

from sutdol.arena.attack import attack, replace_some
from sutdol.core.text.hangul import is_syllable, join, split

MEANINGLESS = "ㅇㄴㅁㅋㅂㅅㄱㅌㅎㅆ"


@lru_cache(maxsize=4096)
def _closed(char: str) -> tuple[str, ...]:
    if not is_syllable(char):
        return ()
    initial, medial, final = split(char)
    return () if final else tuple(join(initial, medial, fake) for fake in MEANINGLESS)


@attack("fake_final", family="fake_final", group="korean_evasion", languages=("ko",))
def fake_final(word: str, random: Random) -> str:
    """Open syllables get a final consonant that means nothing: 나무 is 낭뭄."""
    return replace_some(word, _closed, 0.7, random)
