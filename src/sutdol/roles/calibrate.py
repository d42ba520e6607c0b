"""Set the champion's thresholds on the user's own harmless texts: a new version, same weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sutdol.core.errors import UsageError
from sutdol.core.types import Example
from sutdol.loop import live, turn
from sutdol.loop.collect import collect
from sutdol.loop.parts import on_panel
from sutdol.loop.workshop import Workshop
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole
from sutdol.storage import examples, files, promotions, versions
from sutdol.storage.promotions import Crowning
from sutdol.storage.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    version: str
    thresholds: Mapping[str, float]


def calibrate(
    shop: Workshop[Classifier], role: GuardRole, texts: Sequence[Example], *, fpr: float
) -> Calibrated:
    """Flag `fpr` of these texts; they also set the thresholds of every later challenger.

    Texts that are trained on, held out, sealed or on the panel set no threshold.
    """
    with turn.hold(shop):
        champion = live.champion(shop)
        before = live.load(shop, champion)
        collect(shop, texts, kind="data", reviewed=True, part="dev")
        texts = _free(shop, texts, fpr)
        model = role.calibrate(before, texts, fpr=fpr, least=0.0)  # the share is the user's wish
        heard = set(role.texts.languages([one.input for one in texts]))
        others = {name: cut for name, cut in before.thresholds.items() if name not in heard}
        # languages that these texts say nothing of keep their thresholds
        model = replace(model, thresholds=others | dict(model.thresholds))
        manifest: dict[str, Any] = {
            "calibrated": {"fpr": fpr, "texts": len(texts), "from": champion.id},
            "thresholds": dict(model.thresholds),
        }

        def fill(folder: Any) -> None:
            manifest["checksum"] = model.save(folder, manifest)

        shelved = files.shelve(shop.home, "models", fill)
        with shop.db.write() as tx:
            version = Version(
                id=versions.next_id(tx, role.name),
                role=role.name,
                parent=champion.id,
                snapshot=champion.snapshot,
                path=str(shelved.path.relative_to(shop.home)),
                checksum=shelved.checksum,
                manifest=manifest,
                created_at=shop.now(),
            )
            versions.add(tx, version)
            wish = Crowning(
                role=role.name,
                from_version=champion.id,
                to_version=version.id,
                kind="force",
                reason=f"thresholds set to {100 * fpr:g} % of {len(texts)} harmless texts",
                actor=shop.actor,
            )
            promotions.crown(tx, wish, shop.now())
        return Calibrated(version=version.id, thresholds=model.thresholds)


def _free(shop: Workshop[Classifier], texts: Sequence[Example], fpr: float) -> list[Example]:
    """The texts that may set a threshold, each once."""
    with shop.db.read() as tx:
        dev = examples.find(tx, shop.role.name, part="dev", kinds=["data"], reviewed=True)
    may = {one.input for one in dev if not on_panel(shop.role.name, one.group)}
    free = [one for one in {one.input: one for one in texts}.values() if one.input in may]
    if len(free) * fpr < 1:
        raise UsageError(
            f"{len(free)} of {len(texts)} texts may set thresholds (the others are trained on, held"
            f" out or shown in curves): too few to flag {100 * fpr:g} % of them, which takes"
            f" {math.ceil(1 / fpr)}."
        )
    return free
