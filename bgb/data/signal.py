"""From microvolts at any rate to what the network sees: 256 Hz, band-passed, notched, z-scored, clipped, finite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bgb.config import SignalConfig
from bgb.errors import ConfigError
from envcheck.core import digest_json, encode

BANDPASS_ORDER = 3
NOTCH_QUALITY = 30.0
"""Centre frequency over width at -3 dB: 2 Hz at 60 Hz."""


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
