"""Scalp EEG made of formulas: background, artefacts, seizures. Every function draws from the generator it is given.

Not a model of the brain. It has the features by which a reader tells the three apart: background is 1/f with a
posterior alpha rhythm that waxes and wanes; artefacts are fast and strong, or rhythmic but confined to one electrode or
unchanging; seizures are rhythmic and *evolve*, in frequency, amplitude and place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from bgb.data.montage import CHANNELS
from bgb.data.recording import Interval

Array = NDArray[np.float64]
SeizureKind = Literal["fnsz", "cpsz", "gnsz", "tcsz"]

# Seen from above, nose up, the outer ring of the 10-20 system at distance 1.
_PLACES = {
    "Fp1": (-0.31, 0.95),
    "F3": (-0.42, 0.52),
    "C3": (-0.5, 0.0),
    "P3": (-0.42, -0.52),
    "F7": (-0.81, 0.59),
    "T3": (-1.0, 0.0),
    "T5": (-0.81, -0.59),
    "O1": (-0.31, -0.95),
    "Fz": (0.0, 0.5),
    "Cz": (0.0, 0.0),
    "Pz": (0.0, -0.5),
}
_MIRROR = {"Fp2": "Fp1", "F4": "F3", "C4": "C3", "P4": "P3", "F8": "F7", "T4": "T3", "T6": "T5", "O2": "O1"}
_PLACES |= {right: (-_PLACES[left][0], _PLACES[left][1]) for right, left in _MIRROR.items()}
_XY = np.array([_PLACES[name] for name in CHANNELS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What stays the same in all recordings of one person."""

    background_uv: float
    slope: float
    """Exponent of the falling spectrum."""
    alpha_hz: float
    alpha_uv: float
    beta_uv: float
    slowing_uv: float
    """Polymorphic delta; high in encephalopathy."""
    line_uv: float
    muscle_uv: float
    artefacts_per_minute: float
    focus: str
    """Electrode under which focal seizures and spikes start."""
    spikes_per_minute: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSeizure:
    """One seizure: when, of which TUSZ type, and where it starts."""

    interval: Interval
    kind: SeizureKind
    focus: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Canvas:
    """A signal being painted, (19, samples) in microvolts."""

    signal_uv: Array
    rate_hz: int
    rng: Generator

    @property
    def seconds(self) -> float:
        return self.signal_uv.shape[1] / self.rate_hz

    def moments(self, per_minute: float) -> Array:
        """Random times, so many a minute on average."""
        count = self.rng.poisson(per_minute * self.seconds / 60)
        return np.sort(self.rng.uniform(0, self.seconds, count))

    def add(self, start_seconds: float, patch: Array) -> None:
        """Add (19, n) from this time on, cut at the ends of the recording."""
        first = round(start_seconds * self.rate_hz)
        last = min(first + patch.shape[1], self.signal_uv.shape[1])
        if first < last:
            self.signal_uv[:, first:last] += patch[:, : last - first]


def draw_traits(rng: Generator, *, epileptic: bool) -> Traits:
    """A person, at random."""
    return Traits(
        background_uv=rng.uniform(9, 16),
        slope=rng.uniform(0.8, 1.15),
        alpha_hz=rng.uniform(8.3, 11.2),
        alpha_uv=rng.uniform(6, 22),
        beta_uv=rng.uniform(1.0, 4.0),
        slowing_uv=rng.uniform(2, 10),
        line_uv=rng.uniform(0.3, 2.5),
        muscle_uv=rng.uniform(6, 22),
        artefacts_per_minute=rng.uniform(1.0, 3.0),
        focus=str(rng.choice(["T3", "T4", "F7", "F8", "C3", "C4", "T5", "T6", "O2", "F3"])),
        spikes_per_minute=rng.uniform(1, 5) if epileptic else 0.0,
    )


def simulate_eeg(
    rng: Generator, traits: Traits, seizures: tuple[SimulatedSeizure, ...], seconds: float, rate_hz: int
) -> Array:
    """A recording of (19, seconds * rate_hz) in microvolts."""
    canvas = _Canvas(signal_uv=_background(rng, traits, round(seconds * rate_hz), rate_hz), rate_hz=rate_hz, rng=rng)
    for seizure in seizures:
        _paint_seizure(canvas, seizure)
    for start in canvas.moments(traits.spikes_per_minute):
        _paint_spike(canvas, start, traits.focus)
    for start in canvas.moments(rng.uniform(2, 14)):
        _paint_blink(canvas, start)
    for start in canvas.moments(traits.artefacts_per_minute):
        _ARTEFACTS[rng.integers(len(_ARTEFACTS))](canvas, start, traits)
    return canvas.signal_uv


def simulate_ecg(rng: Generator, seconds: float, rate_hz: int) -> Array:
    """An electrocardiogram, (seconds * rate_hz,) in microvolts."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    beat = _phase(rng, np.full(len(times), rng.uniform(1.0, 1.5)), rate_hz, jitter=0.15)
    wave: Array = 800 * _pulse(beat, 0.0, 0.06) - 160 * _pulse(beat, 0.25, 0.1) + 150 * _pulse(beat, 1.9, 0.4)
    return wave


def involved(seizure: SimulatedSeizure) -> dict[str, float]:
    """Seconds after the seizure's start at which it reaches each channel that it reaches."""
    length = seizure.interval.seconds
    reach = _reach(seizure.kind, np.linspace(0, 1, 101))
    distance = _distance(seizure.focus)
    arrival = [np.flatnonzero(reach >= far) for far in 0.8 * distance]
    return {name: when[0] / 100 * length for name, when in zip(CHANNELS, arrival, strict=True) if len(when)}


def _distance(place: str) -> Array:
    """From one electrode to all, (19,)."""
    distance: Array = np.linalg.norm(_XY - np.array(_PLACES[place]), axis=1)
    return distance


def _field(place: str, width: float) -> Array:
    """How strongly a source under one electrode shows at all, (19,)."""
    strength: Array = np.exp(-0.5 * (_distance(place) / width) ** 2)
    return strength


def _coloured(rng: Generator, rows: int, samples: int, rate_hz: int, gain: Callable[[Array], Array]) -> Array:
    """Noise with the spectrum `gain(frequencies)` and standard deviation 1, (rows, samples)."""
    frequencies = np.fft.rfftfreq(samples, 1 / rate_hz)
    shape = gain(np.maximum(frequencies, frequencies[1]))
    spectrum = shape * rng.standard_normal((rows, 2 * len(shape))).view(np.complex128)
    spectrum[:, 0] = 0
    noise: Array = np.fft.irfft(spectrum, samples)
    noise /= noise.std(axis=1, keepdims=True)
    return noise


def _band(centre_hz: float, width_hz: float) -> Callable[[Array], Array]:
    return lambda frequencies: np.exp(-0.5 * ((frequencies - centre_hz) / width_hz) ** 2)


def _above(lowest_hz: float) -> Callable[[Array], Array]:
    """Muscle: nothing below, falling slowly above."""
    return lambda frequencies: np.where(frequencies > lowest_hz, (lowest_hz / frequencies) ** 0.5, 0.0)


def _phase(rng: Generator, frequency_hz: Array, rate_hz: int, *, jitter: float) -> Array:
    """The running phase of a rhythm of changing frequency whose cycles are not all alike, radians."""
    steps = frequency_hz * (2 * np.pi / rate_hz)
    wander = rng.standard_normal(len(steps)) * jitter * np.sqrt(np.maximum(frequency_hz, 0.5) / rate_hz)
    return np.cumsum(steps + wander)


def _pulse(phase: Array, at: float, width: float) -> Array:
    """One bump of height 1 per cycle, `width` radians wide, at phase `at`."""
    bump: Array = np.exp((np.cos(phase - at) - 1) / width**2)
    return bump


def _window(samples: int, rise: float, fall: float) -> Array:
    """0 to 1 in the first share `rise`, back to 0 in the last share `fall`, smooth, (samples,)."""
    time = np.linspace(0, 1, samples)
    ramp = np.minimum(np.minimum(time / rise, (1 - time) / fall), 1)
    window: Array = np.sin(np.pi / 2 * ramp) ** 2
    return window


def _background(rng: Generator, traits: Traits, samples: int, rate_hz: int) -> Array:
    """1/f with delta, a posterior alpha rhythm that waxes and wanes, frontal beta, line and sensor noise."""

    def falling(frequencies: Array) -> Array:
        slowing = 2.5 * traits.slowing_uv / traits.background_uv * _band(1.5, 0.8)(frequencies)
        spectrum: Array = np.maximum(frequencies, 0.7) ** -traits.slope + slowing
        return spectrum

    near = np.exp(-0.5 * (np.linalg.norm(_XY[:, None] - _XY[None], axis=2) / 0.55) ** 2)
    mix = near / np.linalg.norm(near, axis=1, keepdims=True)
    diffuse: Array = traits.background_uv * (mix @ _coloured(rng, 19, samples, rate_hz, falling))

    relaxed = 0.35 + 0.65 / (1 + np.exp(-3 * _coloured(rng, 1, samples, rate_hz, _band(0.0, 0.03))))
    alpha = traits.alpha_uv * relaxed * _coloured(rng, 3, samples, rate_hz, _band(traits.alpha_hz, 0.5))
    beta = traits.beta_uv * _coloured(rng, 3, samples, rate_hz, _band(20.0, 3.0))
    line = traits.line_uv * np.sin(2 * np.pi * 60 * np.arange(samples) / rate_hz + rng.uniform(0, 6))
    fields = [_field(place, 0.5) for place in ("O1", "O2", "Pz", "F3", "F4", "Cz")]
    fields[2] = 0.6 * fields[2]
    diffuse += np.column_stack([*fields, rng.lognormal(0, 0.7, 19)]) @ np.vstack([alpha, beta, line])
    diffuse += 1.2 * rng.standard_normal(diffuse.shape, dtype=np.float32)
    return diffuse


def _paint_spike(canvas: _Canvas, start: float, focus: str) -> None:
    """An interictal spike and its slow wave."""
    time = np.arange(round(0.5 * canvas.rate_hz)) / canvas.rate_hz
    wave = -np.exp(-(((time - 0.06) / 0.018) ** 2)) + 0.45 * np.exp(-(((time - 0.24) / 0.09) ** 2))
    canvas.add(start, canvas.rng.uniform(45, 95) * np.outer(_field(focus, 0.42), wave))


def _paint_blink(canvas: _Canvas, start: float) -> None:
    time = np.linspace(0, 1, round(canvas.rng.uniform(0.25, 0.45) * canvas.rate_hz))
    wave = np.sin(np.pi * time) ** 2 - 0.25 * np.sin(np.pi * time**3) ** 2
    field = np.maximum(_field("Fp1", 0.4), _field("Fp2", 0.4))
    canvas.add(start, canvas.rng.uniform(60, 160) * np.outer(field, wave))


def _paint_muscle(canvas: _Canvas, start: float, traits: Traits) -> None:
    """Tension of a temporal or frontal muscle."""
    samples = round(canvas.rng.uniform(1.5, 9) * canvas.rate_hz)
    place = str(canvas.rng.choice(["T3", "T4", "F7", "F8", "Fp1", "Fp2"]))
    noise = _coloured(canvas.rng, 19, samples, canvas.rate_hz, _above(20.0)) * _window(samples, 0.15, 0.15)
    canvas.add(start, traits.muscle_uv * canvas.rng.uniform(0.6, 1.6) * _field(place, 0.5)[:, None] * noise)


def _paint_chewing(canvas: _Canvas, start: float, traits: Traits) -> None:
    """Bursts of both temporal muscles once or twice a second: rhythmic as a clonic seizure, but never changing."""
    samples = round(canvas.rng.uniform(6, 18) * canvas.rate_hz)
    phase = _phase(canvas.rng, np.full(samples, canvas.rng.uniform(1.0, 2.0)), canvas.rate_hz, jitter=0.3)
    bursts = _pulse(phase, 0.0, 0.5) * _window(samples, 0.05, 0.05)
    noise = _coloured(canvas.rng, 19, samples, canvas.rate_hz, _above(18.0))
    field = np.maximum(_field("T3", 0.5), _field("T4", 0.5))
    slow = 0.8 * np.outer(field, np.roll(bursts, canvas.rate_hz // 10))
    canvas.add(start, traits.muscle_uv * 1.6 * (field[:, None] * noise * bursts + slow))


def _paint_electrode(canvas: _Canvas, start: float, traits: Traits) -> None:
    """A loose electrode swinging at 1 to 6 Hz: rhythmic and strong, without any field around it."""
    samples = round(canvas.rng.uniform(6, 25) * canvas.rate_hz)
    frequency = np.full(samples, canvas.rng.uniform(1.0, 6.0))
    wave = np.sin(_phase(canvas.rng, frequency, canvas.rate_hz, jitter=0.5)) * _window(samples, 0.3, 0.1)
    row = canvas.rng.integers(19)
    patch = np.zeros((19, samples))
    patch[row] = canvas.rng.uniform(30, 110) * wave
    canvas.add(start, patch)


def _paint_drowsiness(canvas: _Canvas, start: float, traits: Traits) -> None:
    """Rhythmic temporal theta of drowsiness, at one frequency and one strength: the classic normal variant."""
    samples = round(canvas.rng.uniform(5, 14) * canvas.rate_hz)
    phase = _phase(canvas.rng, np.full(samples, canvas.rng.uniform(5.0, 6.5)), canvas.rate_hz, jitter=0.35)
    wave = np.sin(phase + 0.5 * np.sin(phase)) * _window(samples, 0.2, 0.2)
    place = str(canvas.rng.choice(["T3", "T4"]))
    canvas.add(start, canvas.rng.uniform(15, 35) * np.outer(_field(place, 0.45), wave))


def _paint_movement(canvas: _Canvas, start: float, traits: Traits) -> None:
    """The head moves: a slow, strong sway of all electrodes, each in its own way, with muscle on top."""
    samples = round(canvas.rng.uniform(2, 7) * canvas.rate_hz)
    window = _window(samples, 0.3, 0.4)
    sway = _coloured(canvas.rng, 19, samples, canvas.rate_hz, _band(0.8, 0.6))
    noise = _coloured(canvas.rng, 19, samples, canvas.rate_hz, _above(20.0))
    canvas.add(start, (canvas.rng.uniform(30, 90, (19, 1)) * sway + 0.6 * traits.muscle_uv * noise) * window)


_ARTEFACTS: tuple[Callable[[_Canvas, float, Traits], None], ...] = (
    _paint_muscle,
    _paint_chewing,
    _paint_electrode,
    _paint_drowsiness,
    _paint_movement,
)


def _reach(kind: SeizureKind, progress: Array) -> Array:
    """How far from its focus a seizure has spread after this share of its time."""
    if kind == "gnsz":
        return np.full(len(progress), 1.6)
    widest = {"fnsz": 0.75, "cpsz": 1.1, "tcsz": 1.9}[kind]
    return 0.38 + (widest - 0.38) * np.clip((progress - 0.12) / 0.5, 0, 1)


def _paint_seizure(canvas: _Canvas, seizure: SimulatedSeizure) -> None:
    """Rhythm, place and strength all change from start to end; slow waves follow for a while, labelled background."""
    rng, rate = canvas.rng, canvas.rate_hz
    progress = np.linspace(0, 1, round(seizure.interval.seconds * rate))
    far = _distance(seizure.focus)[:, None]
    strength = np.exp(-0.5 * (far / _reach(seizure.kind, progress)) ** 2) * rng.lognormal(0, 0.25, (19, 1))
    wave = rng.uniform(0.75, 1.3) * _WAVES[seizure.kind](rng, progress, rate)
    # Distant channels follow some 20 ms later.
    patch = strength * np.array([np.roll(wave, round(0.02 * rate * distance)) for distance in far[:, 0]])
    if seizure.kind == "tcsz":
        patch += _convulsion(rng, progress, wave, rate)
    canvas.add(seizure.interval.start_seconds, patch)
    after = round(rng.uniform(8, 20) * rate)
    slow = _coloured(rng, 19, after, rate, _band(1.5, 0.7)) * _window(after, 0.05, 0.9)
    canvas.add(seizure.interval.stop_seconds, 18 * strength[:, -1:] * slow)


def _focal(rng: Generator, progress: Array, rate_hz: int) -> Array:
    """From small and fast to large and slow: some 8 Hz and 18 uV to 2.5 Hz and 95 uV, with sharp crests."""
    first, last = rng.uniform(6.5, 10), rng.uniform(2.2, 3.5)
    phase = _phase(rng, first + (last - first) * progress**0.8, rate_hz, jitter=0.5)
    strength: Array = 18 + rng.uniform(60, 95) * np.clip(progress / 0.6, 0, 1)
    breathing = 1 + 0.25 * _coloured(rng, 1, len(progress), rate_hz, _band(0.2, 0.2))[0].clip(-2, 2)
    wave: Array = np.sin(phase + 0.55 * np.sin(phase)) - 0.8 * _pulse(phase, 1.2, 0.45)
    strength *= breathing * _window(len(progress), 0.04, 0.04)
    return strength * wave


def _generalised(rng: Generator, progress: Array, rate_hz: int) -> Array:
    """Spike and wave, slowing by 1.1 Hz from some 3.8 Hz."""
    phase = _phase(rng, rng.uniform(3.4, 4.1) - 1.1 * progress, rate_hz, jitter=0.3)
    wave: Array = -1.4 * _pulse(phase, 0.6, 0.28) + 0.9 * np.sin(phase - 0.9)
    return rng.uniform(55, 100) * wave * _window(len(progress), 0.12, 0.08)


def _tonic_clonic(rng: Generator, progress: Array, rate_hz: int) -> Array:
    """A tonic third of growing fast activity, 14 to 9 Hz, then spike and wave that slow from 4 Hz to one a second."""
    tonic = np.sin(_phase(rng, 14.0 - 13.0 * np.minimum(progress, 0.4), rate_hz, jitter=0.8))
    clonic_phase = _phase(rng, 4.0 - 3.0 * np.clip((progress - 0.35) / 0.65, 0, 1), rate_hz, jitter=0.4)
    clonic = -1.6 * _pulse(clonic_phase, 0.0, 0.35) + 0.8 * _pulse(clonic_phase, 1.6, 0.8)
    later = np.clip((progress - 0.3) / 0.1, 0, 1)
    wave: Array = (1 - later) * (15 + 140 * progress) * tonic + later * 110 * clonic
    return wave * _window(len(progress), 0.05, 0.03)


def _convulsion(rng: Generator, progress: Array, wave: Array, rate_hz: int) -> Array:
    """Muscle in all channels, (19, samples): steady while tonic, in time with the spikes while clonic."""
    steady = np.clip(progress / 0.15, 0, 1) * np.clip((0.42 - progress) / 0.1, 0, 1)
    jerks = np.where(progress > 0.35, np.clip(-wave / 110, 0, 1), 0.0)
    noise = _coloured(rng, 19, len(progress), rate_hz, _above(20.0))
    strength: Array = rng.uniform(12, 30, (19, 1)) * (0.8 * steady + jerks)
    return strength * noise


_WAVES: dict[SeizureKind, Callable[[Generator, Array, int], Array]] = {
    "fnsz": _focal,
    "cpsz": _focal,
    "gnsz": _generalised,
    "tcsz": _tonic_clonic,
}
