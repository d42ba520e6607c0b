"""Korean words with two syllables in the wrong order."""

from random import Random

from sutdol.arena.attack import attack
from sutdol.core.text.hangul import is_syllable


@attack("syllable_swap", family="syllable_swap", group="korean_evasion", languages=("ko",))
def syllable_swap(word: str, random: Random) -> str:
    """Two neighbouring syllables change places: 안하녕세요."""
    places = [
        i
        for i in range(1, len(word))
        if word[i] != word[i - 1] and is_syllable(word[i]) and is_syllable(word[i - 1])
    ]
    if not places:
        return word
    # Readers forgive most where the first and, in a longer word, the last syllable stay.
    inner = [i for i in places if 1 < i < len(word) - 1] or [i for i in places if i > 1] or places
    i = random.choice(inner)
    return word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :]
