"""A recording as the rest of the project sees it: 19 channels in one order, in microvolts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bgb.data.edf import EdfHeader, checked_rate_hz, read_header, read_signals_uv
from bgb.data.interpolate import interpolate_missing
from bgb.data.montage import CHANNELS, ChannelMatch, match_channels
from bgb.errors import MontageError, RecordingRefused

__all__ = ["CHANNELS", "Interval", "Recording", "match_recording", "read_recording"]

PLAUSIBLE_UV = (0.1, 1e4)
"""Mean distance from zero of the median channel: some 5 to 200 uV in scalp EEG. A wrong unit is off by a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of time, half-open: the stop is not part of it."""

    start_seconds: float
    stop_seconds: float

    @property
    def seconds(self) -> float:
        return self.stop_seconds - self.start_seconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """What was measured, and what had to be done to read it."""

    signal_uv: NDArray[np.float32]
    """(19, samples) in the order of `CHANNELS`, microvolts, finite."""
    sample_rate_hz: float
    interpolated: tuple[str, ...]
    """Channels the recording lacks, made from their neighbours."""
    repaired: tuple[str, ...]
    """Header fields that were wrong and could be read all the same, each as `field: what was done`."""
    flat: tuple[str, ...]
    """Channels that never change: a dead electrode."""


def read_recording(path: Path) -> Recording:
    """Read one EDF file; `RecordingRefused` says which field of it is wrong, what it says and what it should say.

    A channel that never changes is kept and named in `flat`, since one dead electrode says nothing against the other
    18 (z-scored it is zero); a recording with nothing else is refused.
    """
    header = read_header(path)
    match = match_recording(header)
    sample_rate_hz = checked_rate_hz(header, match.present)
    signal_uv = read_signals_uv(header, match.present)
    flat = signal_uv.max(axis=1) == signal_uv.min(axis=1)
    # Every 16th sample has the same mean at a sixteenth of the cost.
    _check_amplitude(header, match, signal_uv[~flat, ::16])
    if match.missing:
        rows = [row for row, index in enumerate(match.indices) if index is not None]
        measured, signal_uv = signal_uv, np.zeros((len(CHANNELS), signal_uv.shape[1]), dtype=np.float32)
        signal_uv[rows] = measured
        signal_uv = interpolate_missing(signal_uv, match.missing)
    present = [name for name in CHANNELS if name not in match.missing]
    return Recording(
        signal_uv=signal_uv,
        sample_rate_hz=sample_rate_hz,
        interpolated=match.missing,
        repaired=header.repaired,
        flat=tuple(name for name, dead in zip(present, flat, strict=True) if dead),
    )


def match_recording(header: EdfHeader) -> ChannelMatch:
    """Where the 19 channels are in this recording; `RecordingRefused` on the field `label`."""
    try:
        return match_channels([signal.label for signal in header.signals])
    except MontageError as error:
        raise RecordingRefused(header.path, "label", str(error)) from error


def _check_amplitude(header: EdfHeader, match: ChannelMatch, sample_uv: NDArray[np.float32]) -> None:
    if not len(sample_uv):
        raise RecordingRefused(header.path, "signal", "every channel is flat: nothing was recorded")
    typical_uv = float(np.median(np.abs(sample_uv).mean(axis=1)))
    low, high = PLAUSIBLE_UV
    if not low <= typical_uv <= high:
        signal = header.signals[match.present[0]]
        message = (
            f"the median channel is {typical_uv:,.3g} uV from zero on average, expected {low:g} to {high:g}: wrong is "
            f"perhaps the unit, {signal.physical_dimension!r}, or the range, {signal.physical_min} to "
            f"{signal.physical_max}, of {signal.label}"
        )
        raise RecordingRefused(header.path, "amplitude", message)
