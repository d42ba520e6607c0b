"""Set the champion's thresholds on the user's own harmless texts: a new version, same weights."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sutdol.core.errors import UsageError
from sutdol.core.types import Example
from sutdol.loop import live
from sutdol.loop.collect import collect
from sutdol.loop.workshop import Workshop
from sutdol.roles.classifier import Classifier
from sutdol.roles.guard import GuardRole
from sutdol.storage import files, locks, promotions, versions
from sutdol.storage.promotions import Crowning
from sutdol.storage.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    version: str
    thresholds: Mapping[str, float]


def calibrate(
    shop: Workshop[Classifier], role: GuardRole, texts: Sequence[Example], *, fpr: float
) -> Calibrated:
    """Flag `fpr` of these texts; they also set the thresholds of every later challenger."""
    if len(texts) * fpr < 1:
        raise UsageError(
            f"{len(texts)} texts are too few to flag {100 * fpr:g} % of them:"
            f" give at least {math.ceil(1 / fpr)}."
        )
    with locks.hold(shop.home, f"improve-{role.name}"):
        champion = live.champion(shop)
        before = live.load(shop, champion)
        model = role.calibrate(before, texts, fpr=fpr, least=0.0)  # the share is the user's wish
        heard = set(role.texts.languages([one.input for one in texts]))
        others = {name: cut for name, cut in before.thresholds.items() if name not in heard}
        # languages that these texts say nothing of keep their thresholds
        model = replace(model, thresholds=others | dict(model.thresholds))
        collect(shop, texts, kind="data", reviewed=True, part="dev")
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
