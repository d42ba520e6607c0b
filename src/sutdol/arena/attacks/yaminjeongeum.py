"""Korean syllables written as others of the same look (야민정음)."""

from random import Random

from sutdol.arena.attack import attack, replace_some
from sutdol.core.text.hangul import FINALS, INITIALS, join

# Same look whatever the final is: 대통령 is 머통령, 명작 is 띵작, 비빔면 is 네넴띤, 팔도 is 괄도.
TWINS = (("대", "머"), ("귀", "커"), ("며", "띠"), ("비", "네"), ("파", "과"))


def _open_twins() -> dict[str, str]:
    """The legs of ㅠ and ㅜ read as a final: 유 is 윾, 우 is 윽."""
    return {
        join(initial, medial): join(initial, "ㅡ", legs)
        for initial in INITIALS
        for medial, legs in (("ㅠ", "ㄲ"), ("ㅜ", "ㄱ"))
    }


def _twins() -> dict[str, str]:
    pairs = {"왕": "앟"} | _open_twins()
    for one, other in TWINS:
        # Unicode orders syllables by final last.
        pairs |= {chr(ord(one) + i): chr(ord(other) + i) for i in range(len(FINALS))}
    return pairs | {other: one for one, other in pairs.items()}


LOOKS_LIKE = _twins()


@attack("yaminjeongeum", family="yaminjeongeum", group="korean_evasion", languages=("ko",))
def yaminjeongeum(word: str, random: Random) -> str:
    """Syllables become others of the same look: 귀여워 is 커여워."""
    return replace_some(word, LOOKS_LIKE.get, 0.8, random)
