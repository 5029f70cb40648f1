"""How sure a score is: patients drawn anew, because recordings of one patient resemble each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bgb.evaluate.metrics import Tally

REPLICATES = 1000
PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A score, and the middle 95 % of what other draws of patients give.

    `value` is None where the score is not defined, `low` and `high` where fewer than two patients can bear on it.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


Score = Callable[[Tally], float | None]


def estimate(
    patients: Sequence[Tally], scores: Mapping[str, Score], *, seed: int, replicates: int = REPLICATES
) -> dict[str, Estimate]:
    """Each score over all `patients`, with its interval from `replicates` draws of as many patients with replacement.

    Draws in which a score is not defined (no seizure) say nothing about it and are left out.
    """
    whole = sum(patients, Tally.empty())
    values = {name: score(whole) for name, score in scores.items()}
    if sum(tally.seizures > 0 for tally in patients) < 2:
        return {name: Estimate(value=value) for name, value in values.items()}
    draws = np.random.default_rng(seed).integers(len(patients), size=(replicates, len(patients)))
    # The same patients in another order are the same draw: four patients give 35 of them, not 1,000.
    distinct, counts = np.unique(np.sort(draws), axis=0, return_counts=True)
    drawn: dict[str, list[float]] = {name: [] for name in scores}
    for draw, count in zip(distinct.tolist(), counts.tolist(), strict=True):
        tally = sum((patients[index] for index in draw), Tally.empty())
        for name, score in scores.items():
            value = score(tally)
            drawn[name] += [] if value is None else [value] * count
    return {name: _with_interval(values[name], drawn[name]) for name in scores}


def _with_interval(value: float | None, drawn: Sequence[float]) -> Estimate:
    if value is None or not drawn:
        return Estimate(value=value)
    low, high = np.percentile(drawn, PERCENTILES).tolist()
    return Estimate(value=value, low=low, high=high)
