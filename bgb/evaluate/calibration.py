"""Whether a probability of 0.7 means seven in ten."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bgb.evaluate.bootstrap import Estimate, Score
from bgb.evaluate.metrics import SAMPLE_THRESHOLDS, Tally

BINS = 10

_MIDDLES = (SAMPLE_THRESHOLDS[:-1].astype(np.float64) + np.minimum(SAMPLE_THRESHOLDS[1:], 1)) / 2
"""Of the fine bins that a tally counts in: at most 0.003 from any value in them."""

_COARSE = np.minimum((_MIDDLES * BINS).astype(np.int64), BINS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Samples whose probability lies in one tenth of the scale."""

    mean_probability: float
    share_of_samples: float
    seizure_share: Estimate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """By bin, each (BINS,); the last two are NaN where a bin holds no sample."""

    samples: NDArray[np.float64]
    mean_probability: NDArray[np.float64]
    seizure_share: NDArray[np.float64]


def reliability(tally: Tally) -> Reliability:
    """What was told and what was found, over all samples of the tally."""
    fine = (tally.samples[:-1] - tally.samples[1:]).astype(np.float64)
    weights = (fine.sum(1), fine[:, 1], fine.sum(1) * _MIDDLES)
    samples, seizures, probability = (np.bincount(_COARSE, each, BINS).astype(np.float64) for each in weights)
    with np.errstate(invalid="ignore"):
        return Reliability(samples=samples, mean_probability=probability / samples, seizure_share=seizures / samples)


def calibration_error(tally: Tally) -> float | None:
    """Expected calibration error: how far the share of seizures is from the mean probability, mean over samples."""
    found = reliability(tally)
    if not found.samples.any():
        return None
    return float(np.nansum(found.samples * abs(found.seizure_share - found.mean_probability)) / found.samples.sum())


def share_in(bin_index: int) -> Score:
    """The share of seizure among the samples of a bin; None where there are none."""

    def score(tally: Tally) -> float | None:
        share = float(reliability(tally).seizure_share[bin_index])
        return None if np.isnan(share) else share

    return score


def calibration_bins(tally: Tally, shares: tuple[Estimate, ...]) -> tuple[CalibrationBin, ...]:
    """The bins that hold samples; `shares` are the estimates of `share_in` for each of all bins."""
    found = reliability(tally)
    return tuple(
        CalibrationBin(
            mean_probability=float(found.mean_probability[index]),
            share_of_samples=float(found.samples[index] / found.samples.sum()),
            seizure_share=shares[index],
        )
        for index in np.flatnonzero(found.samples).tolist()
    )
