"""What one step of training does: the loss, the metrics on dev, the optimiser and its schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics.classification import BinaryAUROC

from bgb.config import RunConfig, TrainConfig
from bgb.data.signal import SignalSettings
from bgb.data.torch_dataset import Batch
from bgb.errors import TrainingStopped
from bgb.model.detector import build_detector
from bgb.model.shapes import STRIDE

AUROC_THRESHOLDS = torch.linspace(-12, 12, 401).sigmoid().tolist()
"""Even in log odds: a network that is sure of itself puts all of its answers at the ends of an even grid."""

SKIPPED_STEPS = 25
"""fp16 begins by scaling the loss by 65,536 and halves that after each step whose gradients overflow: up to 16 in a row
are its way of working."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that a training is, besides its data."""

    config: RunConfig
    plan_digest: str
    positive_weight: float
    """How much more a seizure sample weighs in the loss."""
    optimizer_steps: int
    """Over all epochs."""


class DetectorTraining(LightningModule):
    """The detector and how it learns. Its checkpoints say what they were trained by, in plain JSON values."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        config = setup.config
        settings = SignalSettings.from_config(config.signal)
        self.save_hyperparameters(
            {
                "config": config.model_dump(mode="json"),
                "signal_digest": settings.digest(),
                "plan_digest": setup.plan_digest,
                "positive_weight": setup.positive_weight,
            },
            logger=False,
        )
        self.setup_of_run = setup
        self.scale = settings.scale
        self.detector = build_detector(config.model)
        self.dev_auroc = BinaryAUROC(thresholds=AUROC_THRESHOLDS)
        self.last_loss = torch.tensor(0.0)
        self.overflows = 0

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, 19, samples) int16 steps, as cached, to logits (batch, samples)."""
        logits: Tensor = self.detector(signal.to(torch.float32) * self.scale)
        return logits

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        return batch.to(device)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Dropout is a function of seed, epoch and step, so going on from a checkpoint needs no generator's state."""
        words = np.random.SeedSequence([self.setup_of_run.config.seed, self.current_epoch, batch_idx])
        torch.manual_seed(int(words.generate_state(1, np.uint64)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        train = self.setup_of_run.config.train
        loss = detection_loss(self(batch.signal), batch, self.setup_of_run.positive_weight, train.focal_gamma)
        self.last_loss = loss.detach()
        self.log("train/loss", self.last_loss, on_step=True, on_epoch=True, batch_size=len(batch.valid))
        return loss

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip, and stop before a gradient that is not finite reaches the weights."""
        norm = nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val or math.inf)
        finite = bool(norm.isfinite())
        self.overflows = 0 if finite else self.overflows + 1
        allowed = SKIPPED_STEPS if self.setup_of_run.config.train.precision == "fp16" else 0
        if self.overflows > allowed or not self.last_loss.isfinite():
            raise TrainingStopped(self._not_finite(float(norm)))
        if finite:
            self.log("train/gradient_norm", norm, batch_size=1)

    def _not_finite(self, norm: float) -> str:
        loss, place = float(self.last_loss), f"at epoch {self.current_epoch + 1}, step {self.global_step}"
        if not math.isfinite(loss):
            return (
                f"the loss is {loss} {place}; expected a finite number. "
                "Look for samples that are not finite or lower train.learning_rate"
            )
        return (
            f"the gradient is {norm} {place}, of a loss of {loss:.4g}; expected a finite number. "
            "Lower train.learning_rate or set train.precision to fp32 or bf16"
        )

    def on_before_zero_grad(self, optimizer: Optimizer) -> None:
        self.log("train/learning_rate", optimizer.param_groups[0]["lr"], batch_size=1)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        logits = self(batch.signal).float()
        train = self.setup_of_run.config.train
        loss = detection_loss(logits, batch, self.setup_of_run.positive_weight, train.focal_gamma)
        # Sixteen samples share a step of the network: each sixteenth says as much as all of them.
        known = is_recorded(batch)[:, ::STRIDE]
        self.dev_auroc.update(logits[:, ::STRIDE][known].sigmoid(), batch.label[:, ::STRIDE][known].long())
        self.log("dev/loss", loss, batch_size=len(batch.valid))
        self.log("dev/auroc", self.dev_auroc, batch_size=len(batch.valid))

    def configure_optimizers(self) -> Any:
        train = self.setup_of_run.config.train
        optimizer = AdamW(parameter_groups(self.detector, train.weight_decay), lr=train.learning_rate)
        schedule = LambdaLR(optimizer, CosineWithWarmup(self.setup_of_run.optimizer_steps, train))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def is_recorded(batch: Batch) -> Tensor:
    """(batch, samples) bool: false where a window goes on after its recording ended."""
    samples = torch.arange(batch.label.shape[1], device=batch.label.device)
    return samples < batch.valid.unsqueeze(1)


def detection_loss(logits: Tensor, batch: Batch, positive_weight: float, focal_gamma: float) -> Tensor:
    """Mean cross entropy over recorded samples; focal (Lin et al. 2017, arXiv:1708.02002) for a gamma above 0."""
    logits, target = logits.float(), batch.label.to(torch.float32)
    weight = logits.new_tensor(positive_weight)
    loss = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight, reduction="none")
    if focal_gamma > 0:
        wrong = torch.where(batch.label.bool(), -logits, logits).sigmoid()
        loss = loss * wrong**focal_gamma
    known = is_recorded(batch)
    return (loss * known).sum() / known.sum()


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay. Norms, biases and what sets the pace of a state (A_log, D, dt_bias) are vectors and do not."""
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


class CosineWithWarmup:
    """Factor on the learning rate: a line up over the share of warm-up, then half a cosine down to nothing.

    A class, not a closure: the schedule's state then is plain values.
    """

    def __init__(self, steps: int, config: TrainConfig) -> None:
        self.steps = max(steps, 1)
        self.warmup = round(config.warmup_share * steps)

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
