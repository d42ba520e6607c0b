"""A toy Sutdol for flows: the real deeds of cycles and battles around a guard that goes by words.

A battle of three rounds takes a second. Round 1 and 2 each teach new words and promote; the guard
of round 2 is blind in the arena, so that round 3 begins with a roll-back, and promotes again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from tests.loop import toy

from sutdol.arena.campaign import Arena, Campaign
from sutdol.arena.guarded import Judged
from sutdol.core.text.reading import key
from sutdol.core.types import Example
from sutdol.flow.desk import Desk
from sutdol.flow.place import Place
from sutdol.flow.plan import Deed, Json, Key, Tell
from sutdol.loop import live, promote, stages
from sutdol.loop.collect import collect, take_in
from sutdol.loop.cycle import found
from sutdol.loop.workshop import Workshop
from sutdol.storage import versions
from sutdol.storage.database import Database
from sutdol.storage.effects import Tx

ROUNDS = 3
EACH = 11  # texts with each word
WORDS = 7  # that a round teaches
BLIND = "guard-v3"
VENOM = "uenom"  # how the normaliser reads a bad word
Hook = Callable[[], None]

BATTLE = {
    "rounds": ROUNDS,
    "attack_strategy": "emoji_insert",
    "seed": 7,
    "texts": 12,
    "queries": 3,
    "edits": 1,
    "trigger": 0.99,
    "independent": None,
}
CYCLE = {"role": "guard", "seed": 7, "wait": True}
ARGS: Mapping[str, Json] = {"battle": BATTLE, "cycle": CYCLE}


def workshop(home: Path, url: str, hook: Hook = toy.nothing) -> Workshop[Any]:
    """The toy guard's; `hook` is called in the middle of deeds: whenever they ask for the time,
    train or score.
    """

    def now() -> datetime:
        hook()
        return datetime.now(UTC)

    def over(holder: str) -> bool:
        with Desk(Place(database_url=url, home=home)) as desk:
            flow = desk.find(holder)
        return flow is None or flow.over

    role = toy.Spotter(training=hook, scoring=hook)
    return Workshop(db=Database.open(url, home), home=home, role=role, now=now, over=over)


def furnish(shop: Workshop[Any], *, crowned: bool) -> None:
    """Texts to fight with; `crowned`: and a guard that knows them clean, but not disguised."""
    collect(shop, toy.texts(EACH), kind="data", reviewed=True)
    if crowned:
        found(shop, seed=0)
        toy.fight(shop, toy.BAD)


def deeds(shop: Workshop[Any]) -> dict[str, Deed]:
    """What the steps of cycles and battles do."""

    def reigns(key: Key, args: Json, tell: Tell) -> Json:
        with shop.db.read() as tx:
            return {"champion": versions.alias(tx, "guard", "champion") is not None}

    def standing(name: str) -> "Standing":
        with shop.db.read() as tx:
            version = versions.get(tx, name)
        return Standing(version=name, model=live.load(shop, version))

    def learn(tx: Tx, evasions: Sequence[Example], twins: Sequence[Example]) -> int:
        return _taught(tx, shop, evasions, twins)

    def way_back(reason: str) -> Callable[[Tx], object]:
        wish = promote.way_back(shop, reason)
        return lambda tx: promote.crown(shop, tx, wish)

    arena = Arena(
        guard=lambda: standing(live.champion(shop).id),
        version=standing,
        learn=learn,
        way_back=way_back,
    )
    campaign = Campaign(shop.db, arena, shop.now)
    return {**stages.deeds(lambda _: shop), **campaign.deeds(), "battle.champion": reigns}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A toy guard that stands in the arena."""

    version: str
    model: toy.Table

    def judge(self, texts: Sequence[str]) -> Judged:
        """By its words alone: nearly every attack evades it."""
        scores = np.array([toy.Spotter().one(self.model, text) for text in texts])
        return scores, scores >= self.model["*"]

    def judge_again(self, texts: Sequence[str]) -> Judged:
        """The panel it sees through, unless it is blind: then the watch goes back."""
        if self.version == BLIND:
            return np.zeros(len(texts)), np.zeros(len(texts), dtype=bool)
        flags = np.array([VENOM in key(text) for text in texts])
        return flags.astype(np.float64), flags


def _taught(
    tx: Tx, shop: Workshop[Any], evasions: Sequence[Example], twins: Sequence[Example]
) -> int:
    """Take in what evaded, and disguises of the words that are this round's lesson."""
    if not evasions:
        return 0
    source = evasions[0].source
    number = int(source.rpartition("/")[2])
    bad = toy.BAD[WORDS * (number - 1) : WORDS * number]
    good = [word.replace("venom", "bread") for word in bad]
    kinds = {"evasion": (bad, evasions), "twin": (good, twins)}
    new = 0
    for kind, (words, others) in kinds.items():
        said = [toy.text(word, f"{source}{index}") for word in words for index in range(8)]
        lesson = [*others, *toy.disguises(said, source=source)]
        new += take_in(tx, shop, lesson, kind=kind, reviewed=True).new
    return new
