from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from bgb.errors import TrainingStopped
from bgb.train.positives import PATIENCE_BATCHES
from bgb.train.run_directory import RunDirectory
from tests.bgb.train.tiny_run import STEPS_PER_EPOCH, TinyRun, tiny_config

EPOCHS = PATIENCE_BATCHES // STEPS_PER_EPOCH + 1


class LoseLabels(Callback):
    """What a bug between cache and network would do: the labels of batches from `first` on are all background."""

    def __init__(self, first: int) -> None:
        self.first, self.seen = first, 0

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if self.seen >= self.first:
            torch.zeros(batch.label.shape, out=batch.label)
        self.seen += 1


def train(folder: Path, first: int) -> None:
    config = tiny_config(folder, train={"epochs": EPOCHS})
    TinyRun(folder).train("run", LoseLabels(first), config=config, expected_steps=EPOCHS * STEPS_PER_EPOCH)


def test_a_training_that_meets_no_seizure_stops_after_twenty_batches_and_keeps_its_state(tmp_path: Path) -> None:
    with pytest.raises(TrainingStopped, match="the first 20 batches hold no sample of a seizure"):
        train(tmp_path, first=0)
    assert RunDirectory(tmp_path / "runs" / "run").stopped.is_file()


def test_one_seizure_among_the_first_batches_is_enough(tmp_path: Path) -> None:
    train(tmp_path, first=STEPS_PER_EPOCH)
