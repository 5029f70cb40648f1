"""Lightning's trainer as this project uses it: what is logged where, and quiet but for what we say ourselves."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Literal

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from bgb.config import RunConfig
from bgb.train.checkpoint_files import AtomicCheckpoints
from bgb.train.run_directory import RunDirectory

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}
"""Parameters are in float32 in all of them."""

METRIC = "dev/auroc"
"""What chooses the best epoch."""

LOG_EVERY_STEPS = 10


def keep_best(directory: RunDirectory) -> ModelCheckpoint:
    """Keeps the weights of the best epoch; the state to go on from is another file's."""
    return ModelCheckpoint(
        dirpath=directory.checkpoints,
        filename=directory.best.stem,
        monitor=METRIC,
        mode="max",
        save_weights_only=True,
        save_on_train_epoch_end=True,
        auto_insert_metric_name=False,
        enable_version_counter=False,
    )


def build_trainer(
    config: RunConfig, directory: RunDirectory, steps_per_epoch: int, callbacks: Sequence[Callback]
) -> Trainer:
    """A trainer for one device. A progress bar where someone looks at a terminal."""
    train = config.train
    bar = [RichProgressBar(console_kwargs={"stderr": True})] if sys.stderr.isatty() else []
    patience = train.early_stop_epochs
    early = [] if patience is None else [EarlyStopping(METRIC, patience=patience, mode="max")]
    return Trainer(
        accelerator="gpu" if train.device == "cuda" else "cpu",
        devices=1,
        precision=PRECISIONS[train.precision],
        max_epochs=train.epochs,
        accumulate_grad_batches=train.accumulate,
        gradient_clip_val=train.gradient_clip,
        callbacks=[*bar, *early, *callbacks],
        logger=_loggers(config, directory),
        plugins=[AtomicCheckpoints()],
        log_every_n_steps=min(LOG_EVERY_STEPS, steps_per_epoch),
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_progress_bar=bool(bar),
        enable_model_summary=False,
        default_root_dir=directory.path,
    )


def _loggers(config: RunConfig, directory: RunDirectory) -> list[Logger]:
    tensorboard = TensorBoardLogger(directory.path, name=None, version=directory.tensorboard.name)
    wandb = config.track.wandb
    if not wandb.enabled:
        return [tensorboard]
    from lightning.pytorch.loggers import WandbLogger

    tracked = WandbLogger(
        name=config.name,
        save_dir=directory.path,
        id=directory.path.name,
        project=wandb.project,
        entity=wandb.entity,
        offline=wandb.mode == "offline",
        resume="allow",
    )
    tracked.log_hyperparams(config.model_dump(mode="json"))
    return [tensorboard, tracked]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Lightning tells which accelerators it sees and why it stopped; what is worth saying we say."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # The folder holds what we go on from.
            warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
