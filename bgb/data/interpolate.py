"""Channels that a recording lacks, made from their neighbours on the head."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bgb.data.montage import CHANNELS


def interpolate_missing(signal_uv: NDArray[np.float32], missing: Sequence[str]) -> NDArray[np.float32]:
    """A copy of (19, samples) in which the rows of `missing` are spherical splines through the others (MNE, 10-20)."""
    filled = signal_uv.copy()
    bad = [CHANNELS.index(name) for name in missing]
    good = [row for row in range(len(CHANNELS)) if row not in bad]
    filled[bad] = weights_of(tuple(missing)) @ signal_uv[good]
    return filled


@functools.cache
def weights_of(missing: tuple[str, ...]) -> NDArray[np.float32]:
    """What each good channel contributes to each missing one, (missing, good).

    Interpolation is linear, so one MNE run over unit vectors gives the matrix: the same numbers as MNE on the signal,
    without its float64 copies of every recording.
    """
    import mne

    good = [name for name in CHANNELS if name not in missing]
    units = np.zeros((len(CHANNELS), len(good)))
    units[[CHANNELS.index(name) for name in good]] = np.eye(len(good))
    with mne.use_log_level("error"):
        raw = mne.io.RawArray(units, mne.create_info(list(CHANNELS), sfreq=1.0, ch_types="eeg"))
        raw.set_montage("standard_1020")
        raw.info["bads"] = list(missing)
        raw.interpolate_bads(reset_bads=False)
    weights: NDArray[np.float32] = raw.get_data(picks=list(missing)).astype(np.float32)
    return weights
