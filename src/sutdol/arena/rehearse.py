"""Put training texts under attacks that got through before: a few evasions become a lesson."""

from collections.abc import Sequence
from random import Random

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.disguise import seed_of
from sutdol.arena.families import held_out
from sutdol.arena.fixed import apply
from sutdol.arena.space import Candidate, Space
from sutdol.core.types import Example

WORDS = 4  # at most that many words of a text are attacked one by one
WHOLE = 0.5  # share of texts that are attacked as a whole, as in an exam
MESSAGE = 0.3  # share of the others whose message is attacked on top, as searches do


def rehearse(example: Example, attacks: Sequence[str], seed: int) -> str:
    """The text under one of the named attacks, or words of it under one or two each.

    Attacks that suit another language, need a model or are held out are passed over.
    """
    usable = [ATTACKS[name] for name in attacks if _fits(name, example.lang)]
    if not usable:
        return example.input
    random = Random(seed_of("rehearse", seed, example.input))
    if random.random() < WHOLE:
        return apply(random.choice(usable), example.input, str(seed)).text
    return _composed(example.input, usable, random)


def _fits(name: str, language: str) -> bool:
    attack = ATTACKS[name] if name in ATTACKS else None
    return (
        attack is not None
        and attack.group != "llm_generated"
        and language in attack.languages
        and not held_out(attack.family, language)
    )


def _composed(text: str, attacks: Sequence[Attack], random: Random) -> str:
    space = Space(text, attacks, edits=WORDS, seed=random.getrandbits(32))
    candidate, words = Candidate(), space.words
    if words and space.word_attacks:
        for word in random.sample(words, random.randint(1, min(WORDS, len(words)))):
            for _ in range(random.randint(1, 2)):
                candidate = space.put(candidate, word, random.choice(space.word_attacks))
    if space.message_attacks and (not candidate.words or random.random() < MESSAGE):
        candidate = random.choice(space.on_message(candidate))
    return space.render(candidate)
