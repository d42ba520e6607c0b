"""Capitals where none belong."""

from random import Random

from sutdol.arena.attack import attack, replace_some


def _other_case(char: str) -> tuple[str, ...]:
    other = char.swapcase()
    return () if other == char else (other,)


@attack("case", family="case", languages=("en",))
def case(word: str, random: Random) -> str:
    """Letters change between small and capital at random: hElLo."""
    return replace_some(word, _other_case, 0.5, random)
