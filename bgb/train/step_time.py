"""How long one optimisation step of the configured network takes here, on random windows: no data is needed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn
from torch.optim import AdamW

from bgb.config import ModelConfig, TrainConfig
from bgb.data.torch_dataset import Batch
from bgb.model.detector import EEG_CHANNELS, build_detector
from bgb.train.module import detection_loss, parameter_groups

WARM_UP = 2
"""Steps that are not counted: autotuning, lazy initialisation, the allocator's first requests."""
MOST = 20
SCALE = 0.01
"""Random int16 between -300 and 300 become units of sigma as a cache has them."""
_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """The median of `measured` steps; memory as torch's allocator saw it, None on a CPU."""

    seconds: float
    measured: int
    peak_memory_bytes: int | None


def measure_step(
    model: ModelConfig, train: TrainConfig, samples: int, precision: str, *, limit_seconds: float = 60.0
) -> StepTime:
    """Forward, loss, backward, clipping and optimiser on `train.batch_size` windows; at least one step is counted."""
    device = torch.device(train.device)
    if train.threads is not None:
        torch.set_num_threads(train.threads)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    detector = build_detector(model).to(device).train()
    optimizer = AdamW(parameter_groups(detector, train.weight_decay), lr=1e-6)
    scaler = torch.cuda.amp.GradScaler(enabled=precision == "fp16" and device.type == "cuda")
    batch = _random_batch(train.batch_size, samples).to(device)
    seconds: list[float] = []
    begun = time.monotonic()
    while len(seconds) < WARM_UP + MOST:
        if len(seconds) > WARM_UP and time.monotonic() - begun > limit_seconds:
            break
        started = time.monotonic()
        with torch.autocast(device.type, dtype=_AUTOCAST.get(precision), enabled=precision in _AUTOCAST):
            logits = detector(batch.signal.to(torch.float32) * SCALE)
        scaled: torch.Tensor = scaler.scale(detection_loss(logits, batch, 1.0, train.focal_gamma))
        torch.autograd.backward(scaled)
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(detector.parameters(), train.gradient_clip)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.monotonic() - started)
    counted = seconds[WARM_UP:]
    peak = torch.cuda.max_memory_allocated() if device.type == "cuda" else None
    return StepTime(seconds=median(counted), measured=len(counted), peak_memory_bytes=peak)


def _random_batch(size: int, samples: int) -> Batch:
    generator = torch.Generator().manual_seed(0)
    shape = (size, EEG_CHANNELS, samples)
    return Batch(
        signal=torch.randint(-300, 300, shape, generator=generator, dtype=torch.int16),
        label=torch.randint(0, 2, (size, samples), generator=generator, dtype=torch.uint8),
        valid=torch.full((size,), samples),
        row=torch.zeros(size, dtype=torch.int64),
        start=torch.zeros(size, dtype=torch.int64),
    )


def name_of_device(device: str) -> str | None:
    """What torch calls it; None where there is none."""
    if device == "cpu":
        return "cpu"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
