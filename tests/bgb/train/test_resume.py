"""A training that is interrupted anywhere and goes on ends as one that was not."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from bgb.errors import CheckpointError, TrainingInterrupted
from bgb.train.run_directory import RunDirectory
from envcheck.errors import ExitCode
from tests.bgb.train.tiny_run import EPOCHS, PLAN, STEPS_PER_EPOCH, TinyRun, tiny_config

STEPS = STEPS_PER_EPOCH * EPOCHS


class SignalAt(Callback):
    """Sends this process a signal while it works on a step, or on the validation of an epoch."""

    def __init__(self, *, step: int | None = None, validation: int | None = None, number: int = signal.SIGINT) -> None:
        self.step = step
        self.validation = validation
        self.number = number

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if trainer.current_epoch * STEPS_PER_EPOCH + batch_idx == self.step:
            os.kill(os.getpid(), self.number)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == self.validation:
            os.kill(os.getpid(), self.number)


def outcome(tiny: TinyRun, name: str) -> dict[str, Any]:
    """All that a training ends with: weights, state of the optimiser and schedule, best epoch."""
    content = torch.load(RunDirectory(tiny.root / "runs" / name).last, weights_only=True)
    (best,) = (state for state in content["callbacks"].values() if "best_model_score" in state)
    kept = {key: content[key] for key in ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step")}
    return {**kept, "best": best["best_model_score"]}


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


def interrupted_then_resumed(tiny: TinyRun, name: str, where: SignalAt, **changes: Any) -> int:
    """How many steps were left."""
    with pytest.raises(TrainingInterrupted, match=r"stopped by SIG.* Go on with: bgb train CONFIG --resume"):
        tiny.train(name, where, **changes)
    return tiny.train(name, resume=True, **changes).steps


@pytest.mark.parametrize(
    ("where", "left"),
    [
        (SignalAt(step=STEPS_PER_EPOCH + 1), STEPS - STEPS_PER_EPOCH - 2),
        (SignalAt(validation=0, number=signal.SIGTERM), STEPS - STEPS_PER_EPOCH),
    ],
    ids=["within an epoch", "validation"],
)
def test_going_on_after_a_signal_ends_exactly_where_no_signal_would_have(
    tiny: TinyRun, where: SignalAt, left: int
) -> None:
    tiny.train("undisturbed")

    assert interrupted_then_resumed(tiny, "disturbed", where) == left

    assert_same(outcome(tiny, "disturbed"), outcome(tiny, "undisturbed"))


@pytest.mark.slow
def test_going_on_is_exact_from_every_step_and_every_validation(tiny: TinyRun) -> None:
    tiny.train("undisturbed")
    expected = outcome(tiny, "undisturbed")

    for step in range(STEPS - 1):
        interrupted_then_resumed(tiny, f"step{step}", SignalAt(step=step))
        assert_same(outcome(tiny, f"step{step}"), expected)
    for epoch in range(EPOCHS - 1):
        interrupted_then_resumed(tiny, f"validation{epoch}", SignalAt(validation=epoch))
        assert_same(outcome(tiny, f"validation{epoch}"), expected)


def test_a_step_of_the_optimiser_is_finished_before_stopping(tiny: TinyRun) -> None:
    config = tiny_config(tiny.root, train={"accumulate": 2})
    tiny.train("undisturbed", config=config)

    assert interrupted_then_resumed(tiny, "disturbed", SignalAt(step=2), config=config) == STEPS - 4

    assert_same(outcome(tiny, "disturbed"), outcome(tiny, "undisturbed"))


def test_a_signal_in_the_last_validation_lets_the_training_end(tiny: TinyRun) -> None:
    assert tiny.train("run", SignalAt(validation=EPOCHS - 1)).epochs == EPOCHS


def test_a_second_signal_stops_at_once(tiny: TinyRun) -> None:
    impatient = (SignalAt(step=STEPS - 1), SignalAt(validation=EPOCHS - 1))

    with pytest.raises(TrainingInterrupted, match="stopped at once by a second SIGINT") as caught:
        tiny.train("run", *impatient)

    assert caught.value.exit_code is ExitCode.INTERRUPTED
    assert RunDirectory(tiny.root / "runs" / "run").last_checkpoint is not None


def test_the_handlers_of_signals_are_given_back(tiny: TinyRun) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    interrupted_then_resumed(tiny, "run", SignalAt(step=3))

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_finished_training_has_nothing_left_to_do(tiny: TinyRun) -> None:
    first = tiny.train()
    again = tiny.train(resume=True)

    assert (again.steps, again.epochs, again.best_auroc) == (0, first.epochs, first.best_auroc)


def test_a_training_of_another_plan_is_not_gone_on_with(tiny: TinyRun) -> None:
    tiny.train()

    with pytest.raises(CheckpointError, match=f"is of plan {PLAN[:8]}, this is plan cdcdcdcd"):
        tiny.train(resume=True, plan_digest="cd" * 32)


def test_a_training_does_not_write_over_another(tiny: TinyRun) -> None:
    tiny.train()

    with pytest.raises(CheckpointError, match="a training lies here already; go on with it"):
        tiny.train()


def test_there_must_be_something_to_go_on_from(tiny: TinyRun) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint; start the training without --resume"):
        tiny.train(resume=True)
