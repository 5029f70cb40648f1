"""Where the files of one training lie. Imports neither torch nor Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """The directory that one training keeps everything in."""

    path: Path

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the best AUROC on dev."""
        return self.checkpoints / "best.ckpt"

    @property
    def last(self) -> Path:
        """Everything that is needed to go on, of the last step that was kept."""
        return self.checkpoints / "last.ckpt"

    @property
    def stopped(self) -> Path:
        """The state in which a watchdog stopped the training, to look at; not to go on from."""
        return self.checkpoints / "stopped.ckpt"

    @property
    def metrics(self) -> Path:
        """A JSON object a line, an epoch each."""
        return self.path / "metrics.jsonl"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def record(self) -> Path:
        """What the training came to."""
        return self.path / "run_record.json"

    @property
    def best_checkpoint(self) -> Path | None:
        """`best` where it exists."""
        return self.best if self.best.is_file() else None

    @property
    def last_checkpoint(self) -> Path | None:
        """`last` where it exists."""
        return self.last if self.last.is_file() else None
