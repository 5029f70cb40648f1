"""A cache of noise with a rhythm of 3 Hz in its seizures, and a tiny network that has learnt to hear it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bgb.config import RunConfig
from bgb.data.cache import CODE_VERSION, CachedMeta, cached_path, write_cached
from bgb.data.manifest import ManifestRow
from bgb.data.recording import Interval
from bgb.data.signal import SignalSettings
from bgb.data.windows import seizure_mask
from bgb.model.detector import build_detector

RATE = 256
SETTINGS = SignalSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a recording of the small run is."""

    key: str
    seconds: float
    seizures: tuple[tuple[float, float], ...] = ()

    @property
    def patient(self) -> str:
        return self.key.split("/")[1]

    @property
    def intervals(self) -> tuple[Interval, ...]:
        return tuple(Interval(start_seconds=start, stop_seconds=stop) for start, stop in self.seizures)


RECORDINGS = (
    Recorded(key="dev/aaaaaaaa/s001_2002/02_tcp_le/aaaaaaaa_s001_t000", seconds=150, seizures=((30, 60),)),
    Recorded(key="dev/aaaaaaaa/s001_2002/02_tcp_le/aaaaaaaa_s001_t001", seconds=5),
    Recorded(key="dev/aaaaaaab/s001_2002/01_tcp_ar/aaaaaaab_s001_t000", seconds=240.5, seizures=((100, 130),)),
    Recorded(key="dev/aaaaaaac/s001_2002/01_tcp_ar/aaaaaaac_s001_t000", seconds=120),
)


def small_config(root: Path, **evaluate: object) -> RunConfig:
    content: dict[str, Any] = {
        "name": "small",
        "paths": {"corpus": root / "corpus", "cache": root / "cache", "runs": root / "runs"},
        "data": {"window_seconds": 8, "stride_seconds": 4},
        "model": {
            "encoder": {"channels": [4, 4, 8, 8], "dropout": 0},
            "mamba": {"kernel": "reference", "layers": 1, "d_model": 8, "d_state": 4, "headdim": 8, "dropout": 0},
        },
        "train": {"device": "cpu", "precision": "fp32", "batch_size": 8, "epochs": 1},
        "evaluate": evaluate,
        "preflight": {"policy": root / "policy.toml"},
    }
    return RunConfig.model_validate(content)


def rhythm(samples: int) -> NDArray[np.float32]:
    return np.asarray(2 * np.sin(2 * np.pi * 3 * np.arange(samples) / RATE), np.float32)


def simulate(recorded: Recorded, seed: int) -> NDArray[np.int16]:
    samples = round(recorded.seconds * RATE)
    seizure = seizure_mask(recorded.intervals, 0, samples, RATE)
    signal = 0.7 * np.random.default_rng(seed).standard_normal((19, samples), np.float32) + seizure * rhythm(samples)
    return np.asarray(np.clip(signal / SETTINGS.scale, -32767, 32767), np.int16)


def write_recording(cache: Path, recorded: Recorded, seed: int, settings: SignalSettings = SETTINGS) -> ManifestRow:
    signal = simulate(recorded, seed)
    meta = CachedMeta(
        key=recorded.key,
        patient=recorded.patient,
        split="dev",
        samples=signal.shape[1],
        sample_rate_hz=RATE,
        source_sha256="0" * 64,
        source_bytes=1,
        source_mtime_ns=1,
        labels_sha256="0" * 64,
        settings_digest=settings.digest(),
        code_version=CODE_VERSION,
        repaired=(),
        interpolated=(),
        flat=(),
    )
    return ManifestRow(
        key=recorded.key,
        patient=recorded.patient,
        samples=signal.shape[1],
        sample_rate_hz=RATE,
        seizures=recorded.intervals,
        cache_bytes=write_cached(cached_path(cache, recorded.key), signal, recorded.intervals, meta),
        source_sha256="0" * 64,
        source_bytes=1,
        source_mtime_ns=1,
        labels_sha256="0" * 64,
        repaired=(),
        interpolated=(),
    )


def write_cache(cache: Path, recordings: tuple[Recorded, ...] = RECORDINGS) -> tuple[ManifestRow, ...]:
    return tuple(write_recording(cache, recorded, seed) for seed, recorded in enumerate(recordings))


@functools.cache
def trained_weights() -> dict[str, torch.Tensor]:
    """Those of a network that was shown 50 batches of windows of 4 s, some seconds of each with the rhythm.

    By the sign of the gradient: the first optimiser of a process takes torch seconds to import what compiles it.
    """
    torch.manual_seed(0)
    detector = build_detector(small_config(Path("unused")).model)
    parameters = list(detector.parameters())
    for step in range(50):
        seizure = (torch.rand(4, 1, 4) < 0.4).float().repeat_interleave(RATE, dim=2)
        logits = detector(0.7 * torch.randn(4, 19, 4 * RATE) + seizure * torch.from_numpy(rhythm(4 * RATE)))
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, seizure[:, 0])
        with torch.no_grad():
            for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.sub_(gradient.sign(), alpha=0.02 * (1 - step / 50))
    return detector.state_dict()


def write_checkpoint(
    path: Path, config: RunConfig, *, weights: dict[str, torch.Tensor] | None = None, **changed: object
) -> Path:
    """A checkpoint as Lightning writes it for `bgb train`, with some of its hyper-parameters changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = SignalSettings.from_config(config.signal).digest()
    found = trained_weights() if weights is None else weights
    content = {
        "state_dict": {f"detector.{name}": value for name, value in found.items()},
        "hyper_parameters": {"config": config.model_dump(mode="json"), "signal_digest": digest, **changed},
    }
    torch.save(content, path)
    return path
