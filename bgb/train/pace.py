"""Stops a training that would pass its budget: FP32 and a small batch once ran ten times slower for a day."""

from __future__ import annotations

import statistics
import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from bgb.config import RunConfig
from bgb.errors import TrainingStopped

WARM_UP_STEPS = 5
"""Not counted: allocation, compilation and cold files make the first steps slow."""
JUDGED_STEPS = 45
"""How many steps are measured; the verdict falls after the fiftieth."""


class KeepPace(Callback):
    """Measures the first steps, and raises `TrainingStopped` where all of them would take longer than the budget."""

    def __init__(self, config: RunConfig, steps: int) -> None:
        self._config = config
        self._steps = steps
        self._seen = 0
        self._started_at = self._ended_at = 0.0
        self._waits: list[float] = []
        self._works: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # Between two epochs lie a validation and a checkpoint; neither is a wait for data.
        self._ended_at = time.monotonic()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        self._started_at = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        wait, self._seen = self._started_at - self._ended_at, self._seen + 1
        self._ended_at = time.monotonic()
        if not WARM_UP_STEPS < self._seen <= WARM_UP_STEPS + JUDGED_STEPS:
            return
        self._waits.append(wait)
        self._works.append(self._ended_at - self._started_at)
        if self._seen == WARM_UP_STEPS + JUDGED_STEPS:
            message = judge_pace(
                self._config, self._steps, statistics.median(self._waits), statistics.median(self._works)
            )
            if message is not None:
                raise TrainingStopped(message)


def judge_pace(config: RunConfig, steps: int, wait_seconds: float, work_seconds: float) -> str | None:
    """Why a run of `steps` cannot keep its budget at these seconds a step; None where it can."""
    per_step = wait_seconds + work_seconds
    hours, budget = per_step * steps / 3600, config.budget
    usd = None if budget.usd_per_hour is None else hours * budget.usd_per_hour
    over = []
    if budget.max_hours is not None and hours > budget.max_hours:
        over.append(f"{hours:.3g} hours, the budget is {budget.max_hours:g}")
    if budget.max_usd is not None and usd is not None and usd > budget.max_usd:
        over.append(f"${usd:.2f}, the budget is ${budget.max_usd:g}")
    if not over:
        return None
    planned = config.train.seconds_per_step
    told = f", the plan counts on {planned:g} s" if planned is not None else ""
    return (
        f"too slow: a step takes {per_step:.3g} s{told}, so {steps} steps would take {' and '.join(over)}; "
        f"{100 * wait_seconds / per_step:.0f} % of it is waiting for data, precision is {config.train.precision}, "
        f"batch size {config.train.batch_size}. Is another process on the device?"
    )
