"""A training says what it works on, keeps what it came to, and stops when it makes no sense."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from bgb.data.signal import SignalSettings
from bgb.errors import ConfigError, TrainingStopped
from bgb.evaluate.checkpoint import load_checkpoint
from bgb.train.callbacks import KeepState
from bgb.train.record import RunRecord
from bgb.train.run_directory import RunDirectory
from envcheck.core import decode
from envcheck.storage import read_json
from tests.bgb.train.test_resume import assert_same, outcome
from tests.bgb.train.tiny_run import EPOCHS, PLAN, STEPS_PER_EPOCH, TinyRun, tiny_config

STEPS = STEPS_PER_EPOCH * EPOCHS


class Poison(Callback):
    """Spoils the weights, or a gradient, at a step of the second epoch."""

    def __init__(self, *, gradient: bool) -> None:
        self.gradient = gradient

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx) == (1, 2):
            weight = pl_module.detector.encoder.project.weight
            if self.gradient:
                weight.register_hook(lambda gradient: gradient * math.inf)
            else:
                weight.data.fill_(math.nan)


class DieAt(Callback):
    """Keeps the state at every step, and dies at one."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        for callback in trainer.callbacks:
            if isinstance(callback, KeepState):
                callback.every_seconds = 0.0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx) == (0, 3):
            raise MemoryError("the machine was taken away")


def directory(tiny: TinyRun, name: str = "run") -> RunDirectory:
    return RunDirectory(tiny.root / "runs" / name)


def test_a_training_leaves_its_record_its_metrics_and_two_checkpoints(tiny: TinyRun) -> None:
    record = tiny.train()
    kept = directory(tiny)

    assert (record.epochs, record.steps, record.windows) == (EPOCHS, STEPS, 18 * EPOCHS)
    assert record.seconds_per_step == pytest.approx(record.seconds / STEPS)
    assert decode(RunRecord, read_json(kept.record)) == record
    epochs = [json.loads(line) for line in kept.metrics.read_text().splitlines()]
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert max(epoch["dev/auroc"] for epoch in epochs) == record.best_auroc
    assert {file.name for file in kept.checkpoints.iterdir()} == {"best.ckpt", "last.ckpt"}


def test_the_first_lines_say_what_is_trained_on(tiny: TinyRun) -> None:
    tiny.train(config=tiny_config(tiny.root, expect={"files": {"train": 3, "dev": 1}}))

    data, cache, dataset, *epochs = tiny.said

    assert data == "[DATA] 3 train, 1 dev recordings (expected 3, 1)"
    assert cache.startswith("[CACHE] ")
    assert cache.endswith("4 of 4 recordings, 0.00 GB")
    assert dataset.startswith(
        "[DATASET] windows per class and epoch: 8 no_seizure, 8 partial_seizure, 2 full_seizure; 5 steps; 8 windows of"
    )
    assert [line.split(":")[0] for line in epochs] == ["[TRAIN] epoch 1 of 2", "[TRAIN] epoch 2 of 2"]


def test_nothing_is_printed_but_what_is_said(tiny: TinyRun, capfd: pytest.CaptureFixture[str]) -> None:
    tiny.train()

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("changes", [{"expected_steps": 3734}, {"expected_windows": 3734}])
def test_other_data_than_was_planned_is_not_trained_on(tiny: TinyRun, changes: dict[str, Any]) -> None:
    with pytest.raises(
        TrainingStopped, match=r"schedules 10 steps over epochs of 18 windows, the plan abababab has .*3734"
    ):
        tiny.train(**changes)

    assert directory(tiny).last_checkpoint is None


def test_the_best_checkpoint_is_what_evaluation_loads(tiny: TinyRun) -> None:
    tiny.train()
    best = directory(tiny).best

    loaded = load_checkpoint(best, "reference")
    weights = torch.load(best, weights_only=True)

    assert loaded.config.name == "tiny"
    assert loaded.detector(torch.zeros(1, 19, 512)).shape == (1, 512)
    assert weights["hyper_parameters"]["plan_digest"] == PLAN
    assert weights["hyper_parameters"]["signal_digest"] == SignalSettings().digest()


def test_tensorboard_has_the_loss_the_rate_the_gradient_and_dev(tiny: TinyRun) -> None:
    tiny.train()
    events = EventAccumulator(str(directory(tiny).tensorboard))
    events.Reload()

    expected = {"train/loss_step", "train/loss_epoch", "train/learning_rate", "train/gradient_norm", "dev/auroc"}
    assert expected <= set(events.Tags()["scalars"])
    assert len(events.Scalars("dev/auroc")) == EPOCHS


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (False, r"the loss is nan at epoch 2, step 7; .* lower train\.learning_rate"),
        (True, r"the gradient is (nan|inf)"),
    ],
)
def test_what_is_not_finite_stops_before_it_is_learned(tiny: TinyRun, gradient: bool, message: str) -> None:
    with pytest.raises(TrainingStopped, match=message):
        tiny.train("run", Poison(gradient=gradient))
    kept = directory(tiny)

    assert kept.stopped.is_file()
    state = torch.load(kept.last, weights_only=True)["state_dict"]
    assert all(bool(weight.isfinite().all()) for weight in state.values() if weight.is_floating_point())


def test_a_machine_that_goes_away_costs_no_more_than_the_time_between_checkpoints(tiny: TinyRun) -> None:
    tiny.train("undisturbed")
    with pytest.raises(MemoryError):
        tiny.train("disturbed", DieAt())

    assert tiny.train("disturbed", resume=True).steps == STEPS - 3

    assert_same(outcome(tiny, "disturbed"), outcome(tiny, "undisturbed"))


def test_bf16_keeps_its_parameters_in_float32(tiny: TinyRun) -> None:
    tiny.train(config=tiny_config(tiny.root, train={"precision": "bf16"}))

    state = torch.load(directory(tiny).last, weights_only=True)["state_dict"]

    assert {weight.dtype for weight in state.values() if weight.is_floating_point()} == {torch.float32}


def test_a_training_that_no_longer_gets_better_stops_early(tiny: TinyRun) -> None:
    config = tiny_config(tiny.root, train={"epochs": 9, "early_stop_epochs": 1, "learning_rate": 1e-12})

    record = tiny.train(config=config, expected_steps=9 * STEPS_PER_EPOCH)

    assert record.stopped_early
    assert record.epochs < 9
    assert "stopped early" in record.lines()[0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_named_and_not_replaced(tiny: TinyRun) -> None:
    with pytest.raises(ConfigError, match=r"train\.device is cuda, and torch sees no GPU here"):
        tiny.train(config=tiny_config(tiny.root, train={"device": "cuda"}))


@pytest.mark.slow
def test_wandb_keeps_the_metrics_offline_in_the_run_directory(tiny: TinyRun) -> None:
    tiny.train(config=tiny_config(tiny.root, track={"wandb": {"enabled": True, "mode": "offline"}}))

    assert len(list((directory(tiny).path / "wandb").glob("offline-run-*"))) == 1


@pytest.mark.slow
def test_seizures_that_are_louder_are_learned(tiny: TinyRun) -> None:
    encoder = {"channels": [8, 8, 8, 8], "kernel_size": 3}
    config = tiny_config(tiny.root, train={"epochs": 12}, model={"encoder": encoder})

    record = tiny.train(config=config, expected_steps=12 * STEPS_PER_EPOCH)

    assert record.best_auroc is not None
    assert record.best_auroc > 0.9
