"""How fast this machine builds, loads and trains, beside what the plan counts on: which part will limit the run?"""

from __future__ import annotations

import io
import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from bgb.config import RunConfig
from bgb.data.builder import BuildRequest, build_cache
from bgb.data.cache import cached_path
from bgb.data.corpus import CorpusFile, discover
from bgb.data.manifest import ManifestRow, read_manifest
from bgb.data.sampling import assign_splits
from bgb.data.signal import SignalSettings
from bgb.data.windows import WindowSpec
from bgb.data.workers import Workers
from bgb.errors import BgbError, DataError
from bgb.plan import RunPlan
from bgb.preflight.contract import splits_of
from bgb.preflight.run import resolve
from envcheck.core import encode

Say = Callable[[str], None]
T = TypeVar("T")

BUILT = 3
"""Recordings that are built: those of a quarter, half and three quarters of the way through the corpus by size."""
READ_WINDOWS = 256
COPY_ROUNDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpeed:
    """One process, a few recordings of the corpus, into a folder beside the cache that is deleted again."""

    recordings: int
    eeg_hours: float
    cpu_seconds_per_eeg_hour: float
    cache_bytes_per_eeg_hour: float
    cores: int
    whole_minutes: float | None
    """All that the plan has, on all cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSpeed:
    """Random windows of the cache, in batches of the run."""

    windows: int
    cold_windows_per_second: float
    """Once the files read were dropped from memory as far as the system drops them."""
    warm_windows_per_second: float
    copied_windows_per_second: float
    """The same windows as float32 from memory to memory: what loading cannot be much faster than."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpeed:
    """Training steps on random windows on the run's device."""

    device: str
    precision: str
    batch_size: int
    seconds: float
    windows_per_second: float
    stated_seconds: float | None
    """`train.seconds_per_step`."""
    hours: float | None
    """All steps of the plan at this pace; None without a plan for training."""
    usd: float | None
    peak_memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What was measured; a sentence where something could not be."""

    name: str
    build: BuildSpeed | str
    load: LoadSpeed | str
    step: StepSpeed | str

    @property
    def limit(self) -> str:
        """Which part decides how long the run takes."""
        if isinstance(self.load, str) or isinstance(self.step, str):
            return "unknown: both loading and a step have to be measured"
        share = self.step.windows_per_second / self.load.cold_windows_per_second
        if share < 1:
            return f"the training step; loading needs {share:.1%} of its time and is read ahead"
        return f"loading: it gives {1 / share:.0%} of the windows that a step could take"

    def render(self, *, as_json: bool) -> str:
        if as_json:
            content = {"schema_version": 1, "bench": encode(self), "limit": self.limit}
            return json.dumps(content, indent=1) + "\n"
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
        for heading in ("part", "here", "the plan", "comes to"):
            table.add_column(heading, overflow="fold")
        for row in (_build_row(self.build), *_load_rows(self.load), _step_row(self.step)):
            table.add_row(*row)
        out = io.StringIO()
        console = Console(file=out, width=110, highlight=False)
        console.print(f"{self.name} on this machine")
        console.print(table)
        console.print(f"what limits the run: {self.limit}")
        return out.getvalue()


def bench(config: RunConfig, say: Say) -> Bench:
    """Measure each part that can be measured; nothing of the run is changed.

    `DataError` where there is neither corpus nor cache nor the device: nothing to measure.
    """
    quiet: Say = lambda line: None  # noqa: E731
    plan = _or_why(lambda: resolve(config, "train", quiet))
    hours = _hours(plan if isinstance(plan, RunPlan) else _or_why(lambda: resolve(config, "cache", quiet)))
    say("[BENCH] building a few recordings")
    build = _or_why(lambda: _measure_build(config, hours))
    say("[BENCH] reading random windows")
    load = _or_why(lambda: _measure_load(config))
    say("[BENCH] training on random windows")
    step = _or_why(lambda: _measure_step(config, plan if isinstance(plan, RunPlan) else None))
    if isinstance(build, str) and isinstance(load, str) and isinstance(step, str):
        raise DataError(f"nothing could be measured: {build}; {load}; {step}")
    return Bench(name=config.name, build=build, load=load, step=step)


def _or_why(measure: Callable[[], T]) -> T | str:
    try:
        return measure()
    except (BgbError, RuntimeError, ImportError) as error:
        return str(error).partition("\n")[0]


def _hours(plan: RunPlan | str) -> float | None:
    return None if isinstance(plan, str) else sum(split.hours for split in plan.splits.values())


def _measure_build(config: RunConfig, hours: float | None) -> BuildSpeed:
    files = sorted(discover(config.paths.corpus, splits=splits_of(config)), key=lambda file: file.edf_bytes)
    if not files:
        raise DataError(f"{config.paths.corpus}: no recording to build")
    chosen: Sequence[CorpusFile] = sorted(
        {files[(number + 1) * len(files) // (BUILT + 1)] for number in range(BUILT)}, key=lambda file: file.key
    )
    request = BuildRequest(
        settings=SignalSettings.from_config(config.signal),
        limit_files=None,
        workers=Workers(processes=1),
        keep_going=True,
        max_refused_share=1.0,
    )
    beside = next(folder for folder in config.paths.cache.absolute().parents if folder.is_dir())
    try:
        with tempfile.TemporaryDirectory(prefix=".bgb-bench-", dir=beside) as name:
            build_cache(chosen[:1], Path(name) / "warm-up", request)
            started = time.process_time()
            summary = build_cache(chosen, Path(name) / "cache", request)
            cpu_seconds = time.process_time() - started
            size = sum(path.stat().st_size for path in (Path(name) / "cache").rglob("*.npz"))
    except OSError as error:
        raise DataError(f"{beside}: cannot be written: {error.strerror}") from error
    if not summary.built:
        refusal = summary.refused[0]
        raise DataError(f"each of {len(chosen)} recordings was refused: {refusal.key}: {refusal.message}")
    cores = len(os.sched_getaffinity(0))
    each = cpu_seconds / summary.eeg_hours
    return BuildSpeed(
        recordings=summary.built,
        eeg_hours=summary.eeg_hours,
        cpu_seconds_per_eeg_hour=each,
        cache_bytes_per_eeg_hour=size / summary.eeg_hours,
        cores=cores,
        whole_minutes=None if hours is None else hours * each / cores / 60,
    )


def _measure_load(config: RunConfig) -> LoadSpeed:
    from bgb.data.torch_dataset import WindowDataset

    rows, _ = assign_splits(read_manifest(config.paths.cache, "train").rows, config.data.split)
    spec = WindowSpec.from_config(config.data, config.signal)
    dataset = WindowDataset(config.paths.cache, rows, spec)
    if not len(dataset):
        raise DataError(f"{config.paths.cache}: the recordings that train have no window")
    random = np.random.default_rng(0)
    drawn = random.permutation(dataset.pairs())[:READ_WINDOWS]
    size = min(config.train.batch_size, len(drawn))
    batches = [drawn[first : first + size] for first in range(0, len(drawn) - size + 1, size)]
    windows = sum(map(len, batches))
    dataset.read(batches[0])
    _drop({rows[index] for batch in batches for index in batch[:, 0]}, config.paths.cache)
    cold = _seconds(lambda: [dataset.read(batch) for batch in batches])
    warm = min(_seconds(lambda: [dataset.read(batch) for batch in batches]) for _ in range(COPY_ROUNDS))
    source = np.ones((8, 19, spec.window_samples), np.float32)
    target = np.zeros_like(source)
    copied = min(_seconds(lambda: np.copyto(target, source)) for _ in range(COPY_ROUNDS * 10)) / len(source)
    return LoadSpeed(
        windows=windows,
        cold_windows_per_second=windows / cold,
        warm_windows_per_second=windows / warm,
        copied_windows_per_second=1 / copied,
    )


def _drop(rows: set[ManifestRow], cache: Path) -> None:
    for row in rows:
        handle = os.open(cached_path(cache, row.key), os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def _measure_step(config: RunConfig, plan: RunPlan | None) -> StepSpeed:
    from bgb.train.step_time import measure_step, name_of_device

    train = config.train
    device = name_of_device(train.device)
    if device is None:
        raise DataError(f"the run trains on {train.device}, and torch sees none here")
    spec = WindowSpec.from_config(config.data, config.signal)
    found = measure_step(config.model, train, spec.window_samples, train.precision)
    hours = None if plan is None else plan.steps * found.seconds / 3600
    price = config.budget.usd_per_hour
    return StepSpeed(
        device=device,
        precision=train.precision,
        batch_size=train.batch_size,
        seconds=found.seconds,
        windows_per_second=train.batch_size / found.seconds,
        stated_seconds=train.seconds_per_step,
        hours=hours,
        usd=None if hours is None or price is None else hours * price,
        peak_memory_bytes=found.peak_memory_bytes,
    )


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _build_row(found: BuildSpeed | str) -> tuple[str, str, str, str]:
    if isinstance(found, str):
        return "build", f"not measured: {found}", "", ""
    here = f"{found.cpu_seconds_per_eeg_hour:.2f} CPU s and {found.cache_bytes_per_eeg_hour / 1e6:.1f} MB an EEG hour"
    whole = "" if found.whole_minutes is None else f"{_time(found.whole_minutes / 60)} on {found.cores} cores"
    return "build", here, "", whole


def _load_rows(found: LoadSpeed | str) -> tuple[tuple[str, str, str, str], ...]:
    if isinstance(found, str):
        return (("load", f"not measured: {found}", "", ""),)
    share = found.warm_windows_per_second / found.copied_windows_per_second
    return (
        ("load, cold", f"{found.cold_windows_per_second:,.0f} windows/s", "", ""),
        ("load, warm", f"{found.warm_windows_per_second:,.0f} windows/s", "", f"{share:.0%} of a copy in memory"),
    )


def _step_row(found: StepSpeed | str) -> tuple[str, str, str, str]:
    if isinstance(found, str):
        return "step", f"not measured: {found}", "", ""
    here = (
        f"{found.seconds:.3g} s for {found.batch_size} windows in {found.precision} on {found.device}: "
        f"{found.windows_per_second:,.1f} windows/s"
    )
    stated = "not stated" if found.stated_seconds is None else f"{found.stated_seconds:g} s"
    whole = "" if found.hours is None else _time(found.hours)
    return "step", here, stated, whole if found.usd is None else f"{whole}, ${found.usd:,.2f}"


def _time(hours: float) -> str:
    minutes = hours * 60
    if minutes < 2:
        return f"{math.ceil(minutes * 60)} s"
    return f"{minutes:.1f} min" if hours < 2 else f"{hours:,.1f} h"
