"""What a role asks of the gate: its primary, its guard-rails, its alarms, and how many cases."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A mean over cases, of the rows that carry all `tags`.

    `of` caught: score above the threshold re-fitted in each resample ("matched"), so that no
    model gains by a looser threshold; served: score above the threshold the model ships with;
    score: the score itself. `better` says which direction is good.
    """

    name: str
    tags: tuple[str, ...]
    of: Literal["caught", "served", "score"] = "caught"
    better: Literal["high", "low"] = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """A loss that must be *proven* smaller than the margin, against champion and anchor."""

    measure: Measure
    margin: float = 0.02
    anchor_margin: float = 0.03
    ceiling: float | None = None  # no model with a mean above it passes ("low" measures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A measure watched in every slice whose tag starts with one of `slices`."""

    measure: Measure
    slices: tuple[str, ...]
    margin: float = 0.02
    least: int = 200  # fewer cases than this: "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Thresholds let through `rate` of the rows tagged `harmless`, per `Row.calibration`.

    And as much of those tagged `twins`, if any: the same texts disguised. Where clean texts are
    told apart easily, their threshold alone would flag whatever is unusual.
    """

    harmless: tuple[str, ...]
    twins: tuple[str, ...] = ()
    rate: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that decides besides the scores."""

    primary: Measure
    rails: tuple[Rail, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    calibration: Calibration | None = None
    least_primary: int = 500
    least_harmless: int = 1_000
    resamples: int = 2_000
    worth: float = 0.03  # the gain "n wanted" is computed for

    def __post_init__(self) -> None:
        if len(self.rails) > 3:
            # each proven rail costs power; more than three and nothing is ever promoted
            raise ValueError("A role may prove at most three guard-rails.")
        measures = [self.primary, *(rail.measure for rail in self.rails)]
        measures += [alarm.measure for alarm in self.alarms]
        if self.calibration is None and any(measure.of != "score" for measure in measures):
            # no threshold catches nothing: the effect would read 0 whatever the scores are
            raise ValueError('Without a calibration every measure is "of" the score.')

    def json(self) -> dict[str, Any]:
        return asdict(self)
