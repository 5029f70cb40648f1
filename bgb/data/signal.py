"""From microvolts at any rate to what the network sees: 256 Hz, band-passed, notched, z-scored, clipped, finite.

The result is that of the plain float64 way (`scipy.signal.resample`, a causal third-order Butterworth band-pass and a
notch that both start from rest, mean and deviation of the whole channel) to 1e-5 sigma. Only the Fourier transforms are
in float32, and they are taken in two steps that fit the processor's caches. Polyphase resamplers are faster still, but
0.05 sigma away.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from bgb.errors import ConfigError, DataError
from envcheck.core import digest_json, encode

if TYPE_CHECKING:
    from bgb.config import SignalConfig

BANDPASS_ORDER = 3
NOTCH_QUALITY = 30.0
"""Centre frequency over width at -3 dB: 2 Hz at 60 Hz."""

_FLOAT32_SHARE = 0.25
"""Share of a channel's deviation that the filters must leave for float32 to do. Transforms in float32 are off by 1e-6
of what goes in, whatever the filters then take away: slow drift 200 times the EEG would leave 2e-4 sigma."""

_RESIDUE = 1e-12
"""Deviation, relative to what came in, below which what the filters leave is rounding."""


_STRETCH = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSettings:
    """How a recording becomes a signal."""

    sample_rate_hz: int = 256
    bandpass_hz: tuple[float, float] = (0.5, 120.0)
    notch_hz: float = 60.0
    clip_sigma: float = 10.0

    def __post_init__(self) -> None:
        low, high = self.bandpass_hz
        nyquist = self.sample_rate_hz / 2
        if not 0 < low < high < nyquist:
            raise ConfigError(
                f"signal.bandpass_hz: found {low:g} to {high:g} Hz; expected a rising pair above 0 and below "
                f"{nyquist:g} Hz, half of signal.sample_rate_hz"
            )
        if not 0 < self.notch_hz < nyquist:
            raise ConfigError(f"signal.notch_hz: found {self.notch_hz:g}; expected above 0 and below {nyquist:g} Hz")

    @classmethod
    def from_config(cls, config: SignalConfig) -> Self:
        return cls(
            sample_rate_hz=config.sample_rate_hz,
            bandpass_hz=config.bandpass_hz,
            notch_hz=config.notch_hz,
            clip_sigma=config.clip_sigma,
        )

    @property
    def scale(self) -> float:
        """Sigmas that one step of int16 stands for."""
        return self.clip_sigma / 32767

    def digest(self) -> str:
        """SHA-256 over every setting that changes a byte of the signal."""
        return digest_json({"settings": encode(self), "order": BANDPASS_ORDER, "notch_quality": NOTCH_QUALITY})


def resampled_length(samples: int, sample_rate_hz: float, target_hz: int) -> int:
    """Samples that a recording has after resampling; at least one if it had any."""
    return max(round(samples * target_hz / sample_rate_hz), min(samples, 1))


class Signal(Protocol):
    """(channels, samples) in microvolts: an array, or something that makes rows of one when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]: ...


def process(signal_uv: Signal, sample_rate_hz: float, settings: SignalSettings) -> NDArray[np.float32]:
    """(channels, samples) in sigmas at the settings' rate, from (channels, samples) in microvolts; always finite.

    A channel that never changes becomes zeros. A sample that is not finite raises `DataError`: a filter would spread
    it over the rest of its channel.
    """
    length = resampled_length(signal_uv.shape[1], sample_rate_hz, settings.sample_rate_hz)
    out = np.empty((len(signal_uv), length), np.float32)
    for channel, sigmas in enumerate(_processed(signal_uv, length, settings)):
        out[channel] = sigmas
    return out


def process_to_int16(signal_uv: Signal, sample_rate_hz: float, settings: SignalSettings) -> NDArray[np.int16]:
    """`to_int16(process(...))` without holding the float signal: 1.7 GB less for 24 hours."""
    length = resampled_length(signal_uv.shape[1], sample_rate_hz, settings.sample_rate_hz)
    out = np.empty((len(signal_uv), length), np.int16)
    for channel, sigmas in enumerate(_processed(signal_uv, length, settings)):
        out[channel] = to_int16(sigmas, settings)
    return out


def to_int16(signal: NDArray[np.float32], settings: SignalSettings) -> NDArray[np.int16]:
    """A clipped signal in steps of `settings.scale` sigmas, at most half a step off."""
    steps = signal * np.float32(1 / settings.scale)
    rounded: NDArray[np.int16] = np.rint(steps, out=steps).astype(np.int16)
    return rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Where a channel lies: about its mean, and how far it strays from there. Scale changes nothing once z-scored,
    while in float32 an offset far above the EEG, or a pair of channels of very different size, costs precision."""

    centre: float
    deviation: float

    @classmethod
    def of(cls, channel: NDArray[np.float32]) -> Self:
        with np.errstate(invalid="ignore", over="ignore"):
            centre = channel.mean()
            deviation = _rms(channel - centre)
        if not math.isfinite(deviation):
            raise DataError("the signal holds samples that are not finite, or far from any microvolts")
        if channel.min() == channel.max():
            return cls(centre=0.0, deviation=math.inf)
        return cls(centre=float(centre), deviation=deviation)

    @property
    def offset(self) -> float:
        return self.centre / self.deviation


def _processed(signal_uv: Signal, length: int, settings: SignalSettings) -> Iterator[NDArray[np.float32]]:
    """Each channel at `length` samples, filtered, z-scored and clipped."""
    sections = _sections(settings)
    for start in range(0, len(signal_uv), 2):
        group = signal_uv[start : start + 2]
        ranges = [_Range.of(channel) for channel in group]
        for channel, scale, resampled in zip(group, ranges, _resampled(group, ranges, length), strict=True):
            resampled += scale.offset
            filtered = _filtered(sections, resampled)
            deviation = _remove_mean(filtered)
            if _RESIDUE < deviation < _FLOAT32_SHARE and len(channel) != length:
                filtered = _filtered(sections, _resampled_in_float64(channel, scale, length) + scale.offset)
                deviation = _remove_mean(filtered)
            yield _in_sigmas(filtered, deviation, settings.clip_sigma)


def _filtered(sections: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`scipy.signal.sosfilt` in place, a stretch at a time that fits the processor's cache."""
    from scipy.signal import sosfilt

    state = np.zeros((len(sections), 2))
    for first in range(0, len(values), _STRETCH):
        stretch = values[first : first + _STRETCH]
        stretch[:], state = sosfilt(sections, stretch, zi=state)
    return values


def _sections(settings: SignalSettings) -> NDArray[np.float64]:
    """Band-pass and notch as second-order sections: order 3 at 0.5 Hz is fragile as one polynomial."""
    from scipy.signal import butter, iirnotch, tf2sos

    rate = settings.sample_rate_hz
    bandpass = butter(BANDPASS_ORDER, settings.bandpass_hz, "bandpass", fs=rate, output="sos")
    return np.vstack([bandpass, tf2sos(*iirnotch(settings.notch_hz, NOTCH_QUALITY, fs=rate))])


def _resampled(group: NDArray[np.float32], ranges: Sequence[_Range], length: int) -> Iterator[NDArray[np.float64]]:
    """One or two channels at `length` samples, about their centres, in units of their deviations.

    Two travel as one complex signal, at the cost of one.
    """
    if group.shape[1] == length:
        yield from (_unit(channel, scale) for channel, scale in zip(group, ranges, strict=True))
        return
    pair = np.zeros(group.shape[1], np.complex64)
    for half, channel, scale in zip((pair.real, pair.imag), group, ranges, strict=False):
        np.subtract(channel, np.float32(scale.centre), out=half)
        half *= np.float32(1 / scale.deviation)
    resampled = _resampled_pair(pair, length)
    del pair, half
    yield resampled.real.astype(np.float64)
    if len(group) == 2:
        yield resampled.imag.astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Steps:
    """How to resample N samples to M by transforms of lengths P, N/P and M/P: the Cooley-Tukey steps of both ends.

    A large prime factor of the seconds, which most lengths have, is in P alone, and that transform is repeated N/P
    times over neighbouring samples, which the library does side by side: 0.3 to 0.5 s per EEG hour, where transforms
    of the whole take 0.6 to 1.3.
    """

    rows: int
    forward: NDArray[np.complex64]
    """(P, N/P) factors between the two steps."""
    backward: NDArray[np.complex64]
    """(P, M/P), with the scale of the result."""


@functools.lru_cache(maxsize=1)
def _steps(samples: int, length: int) -> _Steps | None:
    """None where the two lengths share too little; N/P and M/P are even, so that the highest bin begins a column."""
    if samples % 2 or length % 2:
        return None
    rows = _divisor_near_root(math.gcd(samples // 2, length // 2), samples)
    if rows == 1:
        return None
    backward = _twiddle(rows, length // rows, 1)
    backward *= np.float32(length / samples)
    return _Steps(rows=rows, forward=_twiddle(rows, samples // rows, -1), backward=backward)


def _divisor_near_root(common: int, samples: int) -> int:
    """A divisor of `common` with all its prime factors above 11, and about the root of `samples` if it can be."""
    small, divisor = [], common
    for prime in (2, 3, 5, 7, 11):
        while divisor % prime == 0:
            small.append(prime)
            divisor //= prime
    for prime in small:
        if divisor * prime <= math.isqrt(samples):
            divisor *= prime
    return divisor


def _twiddle(rows: int, columns: int, sign: int) -> NDArray[np.complex64]:
    """exp(sign 2 pi i row column / (rows columns)); by products, which are off by row times 1e-16 at most."""
    out = np.empty((rows, columns), np.complex64)
    step, turned = np.exp(sign * 2j * math.pi / (rows * columns) * np.arange(columns)), np.ones(columns, complex)
    for row in out:
        row[:] = turned
        turned *= step
    return out


def _resampled_pair(pair: NDArray[np.complex64], length: int) -> NDArray[np.complex64]:
    """What `scipy.signal.resample` makes of a complex signal; `pair` is used up.

    Sample i2 + i1 N/P and bin k1 + k2 P lie at (i1, i2) and (k1, k2), so bins are cut or padded by column and nothing
    is ever transposed.
    """
    from scipy.fft import fft, ifft
    from scipy.signal import resample

    steps = _steps(len(pair), length)
    if steps is None:
        resampled: NDArray[np.complex64] = resample(pair, length)
        return resampled
    bins = fft(pair.reshape(steps.rows, -1), axis=0, overwrite_x=True)
    bins *= steps.forward
    bins = fft(bins, axis=1, overwrite_x=True)
    kept = np.zeros((steps.rows, length // steps.rows), np.complex64)
    half = min(bins.shape[1], kept.shape[1]) // 2
    kept[:, :half], kept[:, -half:] = bins[:, :half], bins[:, -half:]
    # The highest frequency of the shorter signal is its lowest too: of a longer one, each end gets half of it.
    if len(pair) < length:
        kept[0, -half] /= 2
        kept[0, half] = kept[0, -half]
    else:
        kept[0, -half] += bins[0, half]
    del bins
    kept = ifft(kept, axis=1, overwrite_x=True)
    kept *= steps.backward
    whole: NDArray[np.complex64] = ifft(kept, axis=0, overwrite_x=True).reshape(length)
    return whole


def _resampled_in_float64(channel: NDArray[np.float32], scale: _Range, length: int) -> NDArray[np.float64]:
    from scipy.signal import resample

    resampled: NDArray[np.float64] = resample(_unit(channel, scale), length)
    return resampled


def _unit(channel: NDArray[np.float32], scale: _Range) -> NDArray[np.float64]:
    unit = channel.astype(np.float64)
    unit -= scale.centre
    unit /= scale.deviation
    return unit


def _remove_mean(values: NDArray[np.float64]) -> float:
    """Subtract the mean in place; what is returned is the deviation."""
    values -= values.mean()
    return _rms(values)


def _rms(values: NDArray[np.float32] | NDArray[np.float64]) -> float:
    """Root of the mean square; not by BLAS, whose threads would fight those of other workers and order the sum."""
    return math.sqrt(float(np.einsum("i,i->", values, values)) / len(values))


def _in_sigmas(values: NDArray[np.float64], deviation: float, clip_sigma: float) -> NDArray[np.float32]:
    if deviation <= _RESIDUE:
        return np.zeros(len(values), np.float32)
    values *= 1 / deviation
    sigmas = values.astype(np.float32)
    np.clip(sigmas, -clip_sigma, clip_sigma, out=sigmas)
    return sigmas
