"""Training: mend the manifests, ask the gate, make or find the run directory, and fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bgb.config import RunConfig
from bgb.data.manifest import (
    ManifestRow,
    check_manifest,
    manifest_path,
    read_manifest,
    rebuild_manifest,
    write_manifest,
)
from bgb.data.signal import SignalSettings
from bgb.environment import is_set
from bgb.errors import CacheError, ConfigError, TrainingStopped
from bgb.plan import RunPlan
from bgb.preflight.contract import splits_of
from bgb.preflight.gate import OpenGate, pass_gate
from bgb.preflight.places import run_directories
from bgb.splits import Split
from bgb.train.record import RunRecord
from bgb.train.run_directory import RunDirectory
from envcheck.core import encode
from envcheck.storage import write_json

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training came to and where it is kept."""

    record: RunRecord
    directory: Path

    def render(self, *, as_json: bool) -> str:
        if as_json:
            content = {"schema_version": 1, "run": str(self.directory), "record": encode(self.record)}
            return json.dumps(content, indent=1) + "\n"
        return "\n".join([*self.record.lines(), f"run: {self.directory}", ""])


def train(config: RunConfig, *, resume: bool | None, command: str, say: Say) -> Trained:
    """Train what the receipt vouches for, and nothing else.

    Goes on with the newest run of this plan; `resume` True demands one, False begins another.
    """
    mend_manifests(config, say)
    gate = pass_gate(config, "train", command)
    if not gate.plan.windows_per_epoch:
        raise TrainingStopped("the manifests hold neither a partial nor a full seizure window: nothing to learn from")
    # Lightning sets PYTORCH_NVML_BASED_CUDA_CHECK when it is imported: after the gate has looked, not before.
    from bgb.train.fit import TrainRequest, fit

    begun = None if resume is False else find_run(config, gate.plan)
    if begun is None and resume:
        raise ConfigError(
            f"{run_directories(config)}: no run of plan {gate.plan.digest()[:8]} has a checkpoint to resume from; "
            "start one without --resume"
        )
    directory = begun or new_run(config, gate)
    if begun is not None:
        state = "has ended; another begins with --new" if begun.record.is_file() else "goes on from its last checkpoint"
        say(f"[TRAIN] {begun.path} {state}")
    request = TrainRequest(
        config=config,
        train_rows=_rows(config, gate, "train"),
        dev_rows=_rows(config, gate, "dev"),
        run_directory=directory.path,
        plan_digest=gate.plan.digest(),
        expected_steps=gate.plan.steps,
        expected_windows=gate.plan.windows_per_epoch,
        resume=begun is not None,
        say=say,
    )
    return Trained(record=fit(request), directory=directory.path)


def mend_manifests(config: RunConfig, say: Say) -> None:
    """Rebuild each manifest that is empty or stale, or all when `BGB_FORCE_MANIFEST_REBUILD=1`, from the cache."""
    forced = is_set("BGB_FORCE_MANIFEST_REBUILD")
    settings = SignalSettings.from_config(config.signal).digest()
    for split in splits_of(config):
        why = "BGB_FORCE_MANIFEST_REBUILD=1" if forced else _stale(config.paths.cache, split, settings)
        if why is None:
            continue
        manifest = rebuild_manifest(config.paths.cache, split, limit_files=config.data.limit_files)
        write_manifest(config.paths.cache, manifest)
        say(f"[CACHE] rebuilt {manifest_path(config.paths.cache, split)}: {len(manifest.rows)} recordings ({why})")


def _stale(cache: Path, split: Split, settings_digest: str) -> str | None:
    """Why a manifest does not describe the cached files; what the corpus says is the gate's to judge."""
    try:
        manifest = read_manifest(cache, split)
    except CacheError as error:
        return str(error)
    if not manifest.rows:
        return "it was empty"
    problems = check_manifest(manifest, cache, None, settings_digest)
    return f"{problems[0].key}: {problems[0].message}" if problems else None


def _rows(config: RunConfig, gate: OpenGate, split: Split) -> tuple[ManifestRow, ...]:
    """The manifest's rows of those who take part, in the roster's order."""
    found = {row.key: row for s in splits_of(config) for row in read_manifest(config.paths.cache, s).rows}
    return tuple(found[member.key] for member in gate.roster.members[split])


def new_run(config: RunConfig, gate: OpenGate) -> RunDirectory:
    """A directory of its own for this training, with all that it was started from."""
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = run_directories(config) / f"{started}-{gate.plan.digest()[:8]}"
    path.mkdir(parents=True)
    write_json(path / "config.json", config.model_dump(mode="json"))
    write_json(path / "plan.json", {"digest": gate.plan.digest(), "plan": encode(gate.plan)})
    shutil.copytree(gate.receipt, path / "preflight")
    shutil.copy2(config.preflight.lockfile, path / "constraints.txt")
    return RunDirectory(path)


def find_run(config: RunConfig, plan: RunPlan) -> RunDirectory | None:
    """The newest directory of this plan that holds a checkpoint to go on from."""
    parent = run_directories(config)
    found = sorted(parent.glob(f"*-{plan.digest()[:8]}")) if parent.is_dir() else []
    return next((run for run in map(RunDirectory, reversed(found)) if run.last_checkpoint is not None), None)
