"""What a training came to. Imports neither torch nor Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from envcheck.core import Json, Record, encode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Record):
    """Counts and times are of one process; a resumed training begins at its checkpoint."""

    key: ClassVar[str] = "run_record"

    plan_digest: str
    positive_weight: float
    """How much more a seizure sample weighed in the loss."""
    epochs: int
    """Finished, those before a resumption included."""
    steps: int
    windows: int
    seconds: float
    """From the first step to the end, validation and checkpoints included."""
    seconds_per_step: float | None
    """`seconds` over `steps`: what `train.seconds_per_step` is for."""
    windows_per_second: float | None
    """While training: validation and checkpoints left out."""
    best_auroc: float | None
    """On dev, of the epoch that `best_checkpoint` holds."""
    stopped_early: bool
    best_checkpoint: str | None
    last_checkpoint: str | None

    def to_json(self) -> Json:
        return encode(self)

    def lines(self) -> tuple[str, ...]:
        """The record for a reader."""
        rate = "" if self.windows_per_second is None else f", {self.windows_per_second:.1f} windows/s"
        early = ", stopped early" if self.stopped_early else ""
        auroc = "none" if self.best_auroc is None else f"{self.best_auroc:.4f}"
        return (
            f"trained {self.steps} steps, {self.windows} windows, in {self.seconds:.1f} s{rate}{early}",
            f"best AUROC on dev: {auroc}, after {self.epochs} epochs in all",
            f"checkpoint: {self.best_checkpoint or self.last_checkpoint}",
        )
