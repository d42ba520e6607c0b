"""Several attacks on one text, as a search would stack them."""

from collections.abc import Sequence
from random import Random

from sutdol.arena.attack import Attack
from sutdol.arena.space import Candidate, Space

SHARE = 0.6  # of the words are attacked: who does not know which ones give him away, hides many
MESSAGE = 0.3  # share of texts whose message is attacked on top


def composed(text: str, attacks: Sequence[Attack], random: Random) -> str:
    """Most words of the text under one or two attacks each, now and then the message as well."""
    space = Space(text, attacks, edits=len(text), seed=random.getrandbits(32))
    candidate, words = Candidate(), space.words
    if words and space.word_attacks:
        chosen = [word for word in words if random.random() < SHARE] or [random.choice(words)]
        for word in chosen:
            for _ in range(random.randint(1, 2)):
                candidate = space.put(candidate, word, random.choice(space.word_attacks))
    if space.message_attacks and (not candidate.words or random.random() < MESSAGE):
        candidate = random.choice(space.on_message(candidate))
    return space.render(candidate)
