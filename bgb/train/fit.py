"""One training: the data is what the plan says, Lightning runs it, and a record says what it came to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from bgb.config import RunConfig
from bgb.data.cache import cached_path
from bgb.data.manifest import ManifestRow
from bgb.errors import CheckpointError, ConfigError, TrainingStopped
from bgb.splits import Split
from bgb.train.callbacks import KeepState, TellProgress
from bgb.train.checkpoint_files import AtomicCheckpoints
from bgb.train.data import TrainingData, schedule
from bgb.train.module import DetectorTraining, Setup
from bgb.train.pace import KeepPace
from bgb.train.positives import MeetSeizures
from bgb.train.record import RunRecord
from bgb.train.run_directory import RunDirectory
from bgb.train.trainer import build_trainer, keep_best, quiet
from envcheck.storage import write_json

__all__ = ["RunRecord", "TrainRequest", "fit"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What to train, on which recordings, and what the plan says that comes to."""

    config: RunConfig
    train_rows: tuple[ManifestRow, ...]
    dev_rows: tuple[ManifestRow, ...]
    run_directory: Path
    plan_digest: str
    expected_steps: int
    """Batches over all epochs."""
    expected_windows: int
    """Of one balanced epoch."""
    resume: bool
    say: Say
    """Takes a line of progress."""
    watchers: tuple[Callback, ...] = ()
    """More for Lightning to call."""


def fit(request: TrainRequest) -> RunRecord:
    """Train to the end of the plan, from the last checkpoint on where `resume` says so.

    `TrainingStopped` where the data is not what the plan counted or a watchdog ends it; `TrainingInterrupted` after a
    signal, with the state kept.
    """
    config, directory = request.config, RunDirectory(request.run_directory)
    _check_device(config)
    checkpoint = _checkpoint(request, directory)
    data = schedule(config, request.train_rows, request.dev_rows)
    for line in _describe(request, data):
        request.say(line)
    _check_plan(request, data)

    if config.train.threads is not None:
        torch.set_num_threads(config.train.threads)
    torch.manual_seed(config.seed)
    module = DetectorTraining(_setup(request, data))
    progress, best = TellProgress(directory.metrics, request.say), keep_best(directory)
    pace = KeepPace(config, request.expected_steps)
    watch = [progress, best, pace, MeetSeizures(), KeepState(directory, data.train, request.say)]
    with quiet():
        trainer = build_trainer(config, directory, len(data.train), [*request.watchers, *watch])
        trainer.fit(module, data.train, data.dev, ckpt_path=checkpoint)

    record = _record(request, trainer, progress, best)
    write_json(directory.record, record.to_json())
    return record


def _check_device(config: RunConfig) -> None:
    if config.train.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("train.device is cuda, and torch sees no GPU here; name cpu, or run where there is one")


def _checkpoint(request: TrainRequest, directory: RunDirectory) -> Path | None:
    """What to go on from; `CheckpointError` where that is not what was asked for."""
    last = directory.last_checkpoint
    if not request.resume:
        if last is not None:
            raise CheckpointError(f"{last}: a training lies here already; go on with it (--resume) or start elsewhere")
        return None
    if last is None:
        raise CheckpointError(f"{directory.last}: no such checkpoint; start the training without --resume")
    trained_by = AtomicCheckpoints().load_checkpoint(last)["hyper_parameters"]["plan_digest"]
    if trained_by != request.plan_digest:
        raise CheckpointError(
            f"{last}: is of plan {trained_by[:8]}, this is plan {request.plan_digest[:8]}; "
            "resume with the configuration and data that it was started with"
        )
    return last


def _describe(request: TrainRequest, data: TrainingData) -> tuple[str, ...]:
    """What is about to be trained on, in numbers that can be held against what was meant."""
    config, counts = request.config, data.counts
    rows: dict[Split, tuple[ManifestRow, ...]] = {"train": request.train_rows, "dev": request.dev_rows}
    found = ", ".join(f"{len(rows[split])} {split}" for split in rows)
    expected = ", ".join(str(config.expect.files.get(split, "not stated")) for split in rows)
    paths = [cached_path(config.paths.cache, row.key) for split in rows for row in rows[split]]
    present = sum(path.is_file() for path in paths)
    gigabytes = sum(row.cache_bytes for split in rows for row in rows[split]) / 1e9
    return (
        f"[DATA] {found} recordings (expected {expected})",
        f"[CACHE] {config.paths.cache}: {present} of {len(paths)} recordings, {gigabytes:.2f} GB",
        f"[DATASET] windows per class and epoch: {counts.no_seizure} no_seizure, {counts.partial_seizure} "
        f"partial_seizure, {counts.full_seizure} full_seizure; {len(data.train)} steps; {data.dev.windows} windows of "
        f"dev; a seizure sample weighs {data.positive_weight:.2f}",
    )


def _check_plan(request: TrainRequest, data: TrainingData) -> None:
    scheduled = (len(data.train) * request.config.train.epochs, data.counts.total)
    if scheduled != (request.expected_steps, request.expected_windows):
        raise TrainingStopped(
            f"the loader schedules {scheduled[0]} steps over epochs of {scheduled[1]} windows, the plan "
            f"{request.plan_digest[:8]} has {request.expected_steps} steps over {request.expected_windows} windows: "
            "the data is not what was judged. Judge it again: bgb preflight CONFIG --for train"
        )


def _setup(request: TrainRequest, data: TrainingData) -> Setup:
    train = request.config.train
    return Setup(
        config=request.config,
        plan_digest=request.plan_digest,
        positive_weight=data.positive_weight,
        optimizer_steps=math.ceil(len(data.train) / train.accumulate) * train.epochs,
    )


def _record(request: TrainRequest, trainer: Trainer, progress: TellProgress, best: ModelCheckpoint) -> RunRecord:
    directory = RunDirectory(request.run_directory)
    module = trainer.lightning_module
    assert isinstance(module, DetectorTraining)
    return RunRecord(
        plan_digest=request.plan_digest,
        positive_weight=module.setup_of_run.positive_weight,
        epochs=trainer.current_epoch,
        steps=progress.steps,
        windows=progress.windows,
        seconds=progress.seconds,
        seconds_per_step=progress.seconds / progress.steps if progress.steps else None,
        windows_per_second=progress.windows / progress.training_seconds if progress.steps else None,
        best_auroc=None if best.best_model_score is None else float(best.best_model_score),
        stopped_early=trainer.should_stop and trainer.current_epoch < request.config.train.epochs,
        best_checkpoint=_path(directory.best_checkpoint),
        last_checkpoint=_path(directory.last_checkpoint),
    )


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
