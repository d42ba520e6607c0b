"""The fixed attacks of a text: the same text gets the same disguises in every exam and round."""

from random import Random

from sutdol.arena.attack import ATTACKS, Attack
from sutdol.arena.composed import composed
from sutdol.arena.disguise import disguise, seed_of
from sutdol.arena.families import held_out
from sutdol.core.types import Disguised, Example

SEEN_ATTACKS, HELD_OUT_ATTACKS = 2, 1  # per malicious text of an exam, besides a composed one
SEEN_TWINS, HELD_OUT_TWINS = 1, 1  # per harmless text, besides a composed one
COMPOSED = "composed"
"""The name and family of several seen attacks stacked on a text."""


def readable(language: str, *, unseen: bool | None = None) -> dict[str, list[Attack]]:
    """Attacks without an endpoint that a person can read, by family; `unseen`: held out or not."""
    families: dict[str, list[Attack]] = {}
    for attack in ATTACKS.values():
        fits = attack.readable and attack.group != "llm_generated"
        wanted = unseen is None or held_out(attack.family, language) == unseen
        if fits and wanted and language in attack.languages:
            families.setdefault(attack.family, []).append(attack)
    return families


def exam_disguises(example: Example) -> list[Disguised]:
    """A few attacks, each of another family, held-out ones among them, and several stacked."""
    counts = (SEEN_ATTACKS, HELD_OUT_ATTACKS) if example.target else (SEEN_TWINS, HELD_OUT_TWINS)
    random = Random(seed_of("exam", example.input))
    chosen: list[list[Attack]] = []
    for unseen, count in zip((False, True), counts, strict=True):
        families = readable(example.lang, unseen=unseen)
        names = random.sample(sorted(families), min(count, len(families)))
        chosen += [families[name] for name in names]
    singles = [apply(random.choice(attacks), example.input) for attacks in chosen]
    stacked = [one for family in readable(example.lang, unseen=False).values() for one in family]
    seed = seed_of(COMPOSED, example.input) >> 1
    text = composed(example.input, stacked, Random(seed))
    if text == example.input:
        return singles
    return [*singles, Disguised(text=text, attack=COMPOSED, family=COMPOSED, seed=seed)]


def by_family(text: str, families: dict[str, list[Attack]], salt: str) -> list[Disguised]:
    """One attack of every family on the text."""
    random = Random(seed_of(salt, text))
    return [apply(random.choice(attacks), text, salt) for _, attacks in sorted(families.items())]


def apply(attack: Attack, text: str, salt: str = "") -> Disguised:
    """The text under the attack, with the seed that makes it again."""
    seed = seed_of(salt, attack.name, text) >> 1  # databases hold signed numbers
    return Disguised(
        text=disguise(attack, text, Random(seed)),
        attack=attack.name,
        family=attack.family,
        seed=seed,
    )
