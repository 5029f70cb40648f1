"""A training that takes a second: made-up recordings in a real cache, a network of a few hundred weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback

from bgb.config import RunConfig
from bgb.data.cache import CODE_VERSION, CachedMeta, cached_path, open_cached, write_cached
from bgb.data.manifest import ManifestRow
from bgb.data.recording import Interval
from bgb.data.signal import SignalSettings
from bgb.train.fit import RunRecord, TrainRequest, fit

RATE_HZ = 256
SECONDS = 30
SEIZURE = Interval(start_seconds=9.0, stop_seconds=19.0)
PLAN = "ab" * 32
STEPS_PER_EPOCH = 5
WINDOWS_PER_EPOCH = 18
EPOCHS = 2


def write_recording(cache: Path, key: str, *seizures: Interval) -> ManifestRow:
    """Noise that is three times as loud in a seizure."""
    samples = SECONDS * RATE_HZ
    generator = np.random.default_rng(list(key.encode()))
    signal = generator.normal(size=(19, samples)).astype(np.float32)
    for seizure in seizures:
        signal[:, int(seizure.start_seconds * RATE_HZ) : int(seizure.stop_seconds * RATE_HZ)] *= 3
    settings = SignalSettings()
    meta = CachedMeta(
        key=key,
        patient=key.split("/")[1],
        split=key.split("/")[0],
        samples=samples,
        sample_rate_hz=RATE_HZ,
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
    path = cached_path(cache, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_cached(path, (signal / settings.scale).clip(-32767, 32767).astype(np.int16), seizures, meta)
    with open_cached(path) as cached:
        return ManifestRow.of(cached)


def tiny_config(root: Path, **sections: dict[str, Any]) -> RunConfig:
    mamba = {"kernel": "reference", "layers": 1, "d_model": 8, "headdim": 8, "d_state": 4, "chunk_size": 16}
    content: dict[str, Any] = {
        "name": "tiny",
        "paths": {"corpus": root / "corpus", "cache": root / "cache", "runs": root / "runs"},
        "data": {"window_seconds": 4.0, "stride_seconds": 2.0, "sampling": {"none_per_partial": 1.0}},
        "model": {"encoder": {"channels": [4, 4, 4, 4], "kernel_size": 3}, "mamba": mamba},
        "train": {"device": "cpu", "precision": "fp32", "batch_size": 4, "epochs": EPOCHS, "learning_rate": 1e-2},
        "preflight": {"policy": root / "policy.toml"},
    }
    for name, section in sections.items():
        content[name] = {**content.get(name, {}), **section}
    return RunConfig.model_validate(content)


@dataclass
class TinyRun:
    """A cache of three recordings that train and one that validates, and trainings on it, each in its directory."""

    root: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        cache = self.root / "cache"
        self.train_rows = (
            write_recording(cache, "train/aa/r0", SEIZURE),
            write_recording(cache, "train/ab/r0", SEIZURE),
            write_recording(cache, "train/ac/r0"),
        )
        self.dev_rows = (write_recording(cache, "dev/ba/r0", SEIZURE),)

    def request(self, name: str = "run", *watchers: Callback, resume: bool = False, **changes: Any) -> TrainRequest:
        directory = self.root / "runs" / name
        directory.mkdir(parents=True, exist_ok=True)
        given: dict[str, Any] = {
            "config": tiny_config(self.root),
            "train_rows": self.train_rows,
            "dev_rows": self.dev_rows,
            "run_directory": directory,
            "plan_digest": PLAN,
            "expected_steps": STEPS_PER_EPOCH * EPOCHS,
            "expected_windows": WINDOWS_PER_EPOCH,
            "resume": resume,
            "say": self.said.append,
            "watchers": watchers,
        }
        return TrainRequest(**{**given, **changes})

    def train(self, name: str = "run", *watchers: Callback, resume: bool = False, **changes: Any) -> RunRecord:
        return fit(self.request(name, *watchers, resume=resume, **changes))
