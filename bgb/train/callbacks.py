"""What watches a training: keeps its state, stops it when asked, and says how it goes."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from typing_extensions import override

from bgb.errors import TrainingInterrupted, TrainingStopped
from bgb.train.checkpoint_files import discard_partial
from bgb.train.data import TrainBatches
from bgb.train.run_directory import RunDirectory
from envcheck.storage import write_text

SAVE_SECONDS = 300.0
"""Time between checkpoints within an epoch: what a machine that is taken away can cost."""
SAY_SECONDS = 10.0
"""Time between lines of progress."""


class KeepState(Checkpoint):
    """Keeps `last.ckpt`: after each epoch, now and then within it, and when SIGINT or SIGTERM asks to stop.

    A `Checkpoint` for Lightning, so that it runs after those that watch a metric and their state is in the file too.
    """

    def __init__(self, directory: RunDirectory, batches: TrainBatches, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._batches = batches
        self._say = say
        self.every_seconds = SAVE_SECONDS
        self._asked: str | None = None
        self._kept_at = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def state_dict(self) -> dict[str, int]:
        """Lightning 2.5 restores the state of a loader within an epoch, and forgets it at the end of one."""
        return self._batches.state_dict()

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        self._batches.load_state_dict(state_dict)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._kept_at = time.monotonic()
        discard_partial(self._directory.checkpoints)
        # Lightning has set its own handler for SIGTERM by now, which ends the process without a checkpoint.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Between two steps of the optimiser. The last one of an epoch is left to the end of the epoch: a state kept
        there would go on after the validation."""
        done = batch_idx + 1
        if done % trainer.accumulate_grad_batches or done >= trainer.num_training_batches:
            return
        if self._asked or time.monotonic() - self._kept_at > self.every_seconds:
            self._keep(trainer)
            self._stop_if_asked(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._keep(trainer)
        if trainer.current_epoch + 1 < (trainer.max_epochs or 0):
            self._stop_if_asked(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore_handlers()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._restore_handlers()
        if isinstance(exception, TrainingStopped) and not isinstance(exception, TrainingInterrupted):
            trainer.save_checkpoint(self._directory.stopped)

    def _keep(self, trainer: Trainer) -> None:
        trainer.save_checkpoint(self._directory.last)
        self._kept_at = time.monotonic()

    def _stop_if_asked(self, trainer: Trainer) -> None:
        if self._asked:
            raise TrainingInterrupted(
                f"stopped by {self._asked} at step {trainer.global_step}; "
                f"the state is in {self._directory.last}. Go on with: bgb train CONFIG --resume"
            )

    def _ask(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self._asked:
            raise TrainingInterrupted(
                f"stopped at once by a second {name}; go on from {self._directory.last}: bgb train CONFIG --resume"
            )
        self._asked = name
        self._say(f"[TRAIN] {name}: stopping after this step or this validation; again to stop at once")

    def _restore_handlers(self) -> None:
        while self._before:
            signal.signal(*self._before.popitem())


class TellProgress(Callback):
    """A line now and then, one for each epoch, and the epoch's metrics in a file."""

    def __init__(self, metrics: Path, say: Callable[[str], None]) -> None:
        self._metrics = metrics
        self._say = say
        self._started_at = self._told_at = self._resumed_at = self._epoch_start = 0.0
        self.steps = self.windows = 0
        """Of this process; a resumed training counts from its checkpoint."""
        self.seconds = self.training_seconds = 0.0
        """From the first step on, and of these the ones without validation and checkpoints."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._resumed_at = self._epoch_start = time.monotonic()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._started_at = self._told_at = self._resumed_at = self._epoch_start = time.monotonic()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds = time.monotonic() - self._started_at

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.monotonic()
        self.training_seconds += now - self._resumed_at
        self._resumed_at = now
        self.steps += 1
        self.windows += len(batch.valid)
        if now - self._told_at >= SAY_SECONDS:
            self._told_at = now
            self._say(self._progress(trainer, batch_idx + 1))

    def _progress(self, trainer: Trainer, done: int) -> str:
        total = int(trainer.num_training_batches)
        epochs = trainer.max_epochs or 0
        left = (epochs - trainer.current_epoch) * total - done
        seconds = left * self.training_seconds / self.steps
        return (
            f"[TRAIN] epoch {trainer.current_epoch + 1} of {epochs}, step {done} of {total}: "
            f"loss {float(trainer.callback_metrics.get('train/loss_step', float('nan'))):.3f}, "
            f"{self.windows / self.training_seconds:.1f} windows/s, {timedelta(seconds=round(seconds))} to go"
        )

    @override
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        now = time.monotonic()
        if now - self._told_at >= SAY_SECONDS:
            self._told_at = now
            self._say(f"[DEV] batch {batch_idx + 1} of {trainer.num_val_batches[0]}")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        seconds = time.monotonic() - self._epoch_start
        epoch = {"epoch": trainer.current_epoch + 1, "seconds": round(seconds, 2), **_numbers(trainer.callback_metrics)}
        self._write(epoch)
        self._say(
            f"[TRAIN] epoch {trainer.current_epoch + 1} of {trainer.max_epochs}: "
            f"loss {epoch['train/loss']:.3f}, dev loss {epoch['dev/loss']:.3f}, dev AUROC {epoch['dev/auroc']:.4f}, "
            f"{seconds:.1f} s"
        )

    def _write(self, epoch: Mapping[str, float]) -> None:
        """A line for each epoch: one that a killed process wrote before its state was kept is written again."""
        before = self._metrics.read_text(encoding="utf-8").splitlines() if self._metrics.exists() else []
        kept = [line for line in before if json.loads(line)["epoch"] < epoch["epoch"]]
        write_text(self._metrics, "".join(f"{line}\n" for line in [*kept, json.dumps(epoch)]))


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    names = {"train/loss_epoch": "train/loss", "dev/loss": "dev/loss", "dev/auroc": "dev/auroc"}
    return {name: float(metrics[key]) for key, name in names.items()}
