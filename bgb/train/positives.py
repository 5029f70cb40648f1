"""Stops a training whose first batches hold no seizure: a network once learned from 250,000 windows without one."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from bgb.errors import TrainingStopped

PATIENCE_BATCHES = 20


class MeetSeizures(Callback):
    """Raises `TrainingStopped` after twenty batches without one sample of a seizure; the first that has one ends it."""

    def __init__(self) -> None:
        self._without: int | None = 0

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self._without is None:
            return
        if bool(batch.label.any()):
            self._without = None
            return
        self._without += 1
        if self._without == PATIENCE_BATCHES:
            raise TrainingStopped(
                f"the first {PATIENCE_BATCHES} batches hold no sample of a seizure, though the plan promises some in "
                "every epoch; look at the labels, and build the cache again: bgb build-cache CONFIG"
            )
