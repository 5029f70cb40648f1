"""A recording as the rest of the project sees it: 19 channels in one order, in microvolts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bgb.data.edf import EdfHeader, checked_rate_hz, read_header, read_signals_uv
from bgb.data.interpolate import interpolate_missing, weights_of
from bgb.data.montage import CHANNELS, ChannelMatch, match_channels
from bgb.errors import MontageError, RecordingRefused

__all__ = ["CHANNELS", "Interval", "Recording", "match_recording", "open_recording", "read_recording"]

PLAUSIBLE_UV = (0.1, 1e4)
"""Mean distance from zero of the median channel: some 5 to 200 uV in scalp EEG. A wrong unit is off by a thousand."""


LONG_SAMPLES = 1 << 23
"""9 hours at 256 Hz, above which channels are decoded one by one, twice, to keep memory small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of time, half-open: the stop is not part of it."""

    start_seconds: float
    stop_seconds: float

    @property
    def seconds(self) -> float:
        return self.stop_seconds - self.start_seconds


class Channels:
    """The 19 channels of a file, decoded when they are asked for: all of them take 1.7 GB for 24 hours at 256 Hz."""

    def __init__(self, header: EdfHeader, match: ChannelMatch) -> None:
        self._header = header
        self._match = match
        self.shape = (len(CHANNELS), header.n_records * header.signals[match.present[0]].samples_per_record)

    def __len__(self) -> int:
        return len(CHANNELS)

    def __getitem__(self, rows: slice) -> NDArray[np.float32]:
        """(channels, samples) in microvolts; a missing one is made from all others, two of them at a time."""
        chosen = self._match.indices[rows]
        if None not in chosen:
            return read_signals_uv(self._header, [index for index in chosen if index is not None])
        out = np.zeros((len(chosen), self.shape[1]), np.float32)
        for row, index, name in zip(out, chosen, CHANNELS[rows], strict=True):
            if index is not None:
                row[:] = read_signals_uv(self._header, [index])[0]
                continue
            weights = weights_of(self._match.missing)[self._match.missing.index(name)]
            for weight, present in zip(weights, self._match.present, strict=True):
                row += weight * read_signals_uv(self._header, [present])[0]
        return out


S = TypeVar("S", NDArray[np.float32], Channels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording(Generic[S]):
    """What was measured, and what had to be done to read it."""

    signal_uv: S
    """(19, samples) in the order of `CHANNELS`, microvolts, finite; decoded when asked for where it is long."""
    sample_rate_hz: float
    interpolated: tuple[str, ...]
    """Channels the recording lacks, made from their neighbours."""
    repaired: tuple[str, ...]
    """Header fields that were wrong and could be read all the same, each as `field: what was done`."""
    flat: tuple[str, ...]
    """Channels that never change: a dead electrode."""


def read_recording(path: Path) -> Recording[NDArray[np.float32]]:
    """Read one EDF file; `RecordingRefused` says which field of it is wrong, what it says and what it should say.

    A channel that never changes is kept and named in `flat`, since one dead electrode says nothing against the other
    18 (z-scored it is zero); a recording with nothing else is refused.
    """
    header, match = _opened(path)
    signal_uv = read_signals_uv(header, match.present)
    if match.missing:
        measured, signal_uv = signal_uv, np.zeros((len(CHANNELS), signal_uv.shape[1]), np.float32)
        signal_uv[_rows(match)] = measured
        signal_uv = interpolate_missing(signal_uv, match.missing)
    return _looked_at(header, match, signal_uv)


def open_recording(path: Path) -> Recording[NDArray[np.float32]] | Recording[Channels]:
    """`read_recording` for who takes a channel or two at a time: a long recording is decoded as it is asked for."""
    header, match = _opened(path)
    channels = Channels(header, match)
    return _looked_at(header, match, channels) if channels.shape[1] > LONG_SAMPLES else read_recording(path)


def _opened(path: Path) -> tuple[EdfHeader, ChannelMatch]:
    header = read_header(path)
    return header, match_recording(header)


def _rows(match: ChannelMatch) -> list[int]:
    """The rows of the 19 that were measured."""
    return [row for row, index in enumerate(match.indices) if index is not None]


def _looked_at(header: EdfHeader, match: ChannelMatch, signal_uv: S) -> Recording[S]:
    """The recording, once its rate and size can be right."""
    sample_rate_hz = checked_rate_hz(header, match.present)
    flat: dict[str, bool] = {}
    sample_uv = []
    for row in _rows(match):
        channel = signal_uv[row : row + 1][0]
        flat[CHANNELS[row]] = bool(channel.max() == channel.min())
        # Every 16th sample has the same mean at a sixteenth of the cost.
        sample_uv.append(channel[::16].copy())
    _check_amplitude(header, match, np.stack(sample_uv)[[not dead for dead in flat.values()]])
    return Recording(
        signal_uv=signal_uv,
        sample_rate_hz=sample_rate_hz,
        interpolated=match.missing,
        repaired=header.repaired,
        flat=tuple(name for name, dead in flat.items() if dead),
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
