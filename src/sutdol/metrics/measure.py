"""What a metric is: expected and actual in, one number per case out, NaN where a case is none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sutdol.core.registry import Registry
from sutdol.metrics.interval import Interval, wilson

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What was expected of a classifier and what it did; all of shape (cases,)."""

    expected: Flags
    flagged: Flags
    scores: Floats


Metric = Callable[[Decisions], Floats]
METRICS: Registry[Metric] = Registry("metric", "sutdol.metrics.measures")


def metric(name: str) -> Callable[[Metric], Metric]:
    """Register the decorated function as the metric `name`; its docstring is the help text."""

    def register(function: Metric) -> Metric:
        METRICS.add(name, function)
        return function

    return register


def only(values: Floats | Flags, where: Flags) -> Floats:
    """The values where they count, NaN elsewhere."""
    return np.where(where, values.astype(np.float64), np.nan)


def mean(per_case: Floats) -> Interval:
    """The mean over the cases that count, with Wilson's interval."""
    counted = per_case[~np.isnan(per_case)]
    return wilson(float(counted.sum()), len(counted))
