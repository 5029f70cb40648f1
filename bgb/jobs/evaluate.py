"""Scoring a checkpoint on a split of the cache."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bgb.config import RunConfig
from bgb.data.manifest import ManifestRow, read_manifest
from bgb.data.sampling import assign_splits
from bgb.errors import ConfigError
from bgb.evaluate.report import EvaluationReport
from bgb.evaluate.score import EvaluateRequest
from bgb.evaluate.score import evaluate as score
from bgb.preflight.contract import splits_of
from bgb.preflight.places import run_directories
from bgb.splits import Split
from bgb.train.run_directory import RunDirectory
from envcheck.core import encode

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The scores of a checkpoint, and where everything of its run lies."""

    report: EvaluationReport
    out: Path
    run: RunDirectory | None

    def render(self, *, as_json: bool) -> str:
        if as_json:
            content = {"schema_version": 1, "out": str(self.out), "report": encode(self.report)}
            return json.dumps(content, indent=1) + "\n"
        places = {
            "report": self.out / "report.md",
            "predictions": self.out / "predictions",
            "BIDS": self.out / "bids",
            "figures": self.out / "figures",
        }
        if self.run is not None:
            places |= {
                "receipt": self.run.path / "preflight" / "receipt.json",
                "checkpoint": self.run.best_checkpoint or self.run.path / "checkpoints",
                "TensorBoard": self.run.path / "tensorboard",
            }
        return "\n".join([*self.report.lines(), "", *(f"{name:>12}  {path}" for name, path in places.items()), ""])


def evaluate(
    config: RunConfig, *, checkpoint: Path | None, split: Split | None, say: Say, again: bool = False
) -> Evaluated:
    """Score `checkpoint`, or the best one of the newest run, on whole recordings of a split; on eval once."""
    config = (
        config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"split": split})}) if split else config
    )
    if checkpoint is not None and not checkpoint.is_file():
        raise ConfigError(f"{checkpoint}: no such checkpoint; name one, or leave it out for the newest run's best")
    run = None if checkpoint else newest_run(config)
    chosen = checkpoint or (run.best_checkpoint if run else None)
    if chosen is None:
        raise ConfigError(
            f"{run_directories(config)}: no run has a checkpoint to evaluate; train first: bgb train CONFIG"
        )
    out = (run.path if run else chosen.parent) / f"evaluation-{config.evaluate.split}"
    request = EvaluateRequest(
        config=config,
        checkpoint=chosen,
        rows=_rows(config),
        cache=config.paths.cache,
        out=out,
        again=again,
        progress=say,
    )
    return Evaluated(report=score(request), out=out, run=run)


def newest_run(config: RunConfig) -> RunDirectory | None:
    """The newest run directory that holds a best checkpoint."""
    parent = run_directories(config)
    runs = (RunDirectory(path) for path in sorted(parent.glob("2*"), reverse=True)) if parent.is_dir() else ()
    return next((run for run in runs if run.best_checkpoint is not None), None)


def _rows(config: RunConfig) -> tuple[ManifestRow, ...]:
    """The recordings of the split as the run divides them: a holdout's dev lies in the manifest of train."""
    split = config.evaluate.split
    if split == "eval":
        return read_manifest(config.paths.cache, split).rows
    found = [row for name in splits_of(config) for row in read_manifest(config.paths.cache, name).rows]
    train, dev = assign_splits(found, config.data.split)
    return dev if split == "dev" else train
