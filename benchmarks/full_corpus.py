"""What the manifest and contract checks cost on a corpus as large as TUSZ: 4,667 + 1,832 recordings.

    python benchmarks/full_corpus.py

makes the corpus, its cache and their manifests from sparse files of realistic sizes in a temporary folder, and compares
with reading each file's size from the directory, the least that any check has to do. Medians of five rounds in turns.

2026-11-22, 2 cores, x86_64 virtual machine, Python 3.11.7: see the README.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bgb.config import RunConfig, parse_config
from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.cache import CODE_VERSION, cached_path
from bgb.data.corpus import discover
from bgb.data.manifest import Manifest, ManifestRow, write_manifest
from bgb.data.recording import Interval
from bgb.data.signal import SignalSettings
from bgb.plan import resolve_plan
from bgb.preflight.checks import manifest_current, patients_disjoint, run_contract, seizures_present
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.manifests import Manifests
from bgb.preflight.roster import roster_of
from bgb.splits import Split
from envcheck.core import Context, Expectations, Facts, Verdict

Sizes = dict[Split, tuple[int, int]]
"""Recordings and patients by split."""
RECORDINGS: Sizes = {"train": (4667, 579), "dev": (1832, 53)}
ROUNDS = 5
SETTINGS = SignalSettings()


def write_corpus(root: Path, sizes: Sizes) -> None:
    """Sparse EDF files and real label files in the layout of TUSZ v2; every fifth recording has a seizure."""
    random = np.random.default_rng(0)
    for split, (count, patients) in sizes.items():
        for number in range(count):
            patient = f"{split}{number % patients:05}"
            session = root / "edf" / split / patient / f"s{number // patients:03}_2010" / "01_tcp_ar"
            session.mkdir(parents=True, exist_ok=True)
            stem = f"{patient}_s{number // patients:03}_t000"
            seconds = float(np.clip(random.lognormal(6.3, 0.9), 20, 7200).round())
            seizures = (Interval(start_seconds=5.0, stop_seconds=15.0),) if number % 5 == 0 else ()
            with (session / f"{stem}.edf").open("wb") as file:
                file.truncate(int(8448 + seconds * 256 * 32 * 2))
            annotations = Annotations(duration_seconds=seconds, seizures=seizures)
            write_csv_bi(session / f"{stem}.csv_bi", annotations, stem=stem)


def write_cache(root: Path, cache: Path, sizes: Sizes) -> None:
    """Sparse cached files and the manifests that describe them."""
    for split in sizes:
        rows = []
        for file in discover(root, splits=[split]):
            labels = file.csv_bi.read_bytes()
            samples = (file.edf_bytes - 8448) // 64
            path = cached_path(cache, file.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as cached:
                cached.truncate(samples * 38)
            rows.append(
                ManifestRow(
                    key=file.key,
                    patient=file.patient,
                    samples=samples,
                    sample_rate_hz=256,
                    seizures=(Interval(start_seconds=5.0, stop_seconds=15.0),) if b"seiz" in labels else (),
                    cache_bytes=samples * 38,
                    source_sha256="0" * 64,
                    source_bytes=file.edf_bytes,
                    source_mtime_ns=file.edf_mtime_ns,
                    labels_sha256=hashlib.sha256(labels).hexdigest(),
                    repaired=(),
                    interpolated=(),
                )
            )
        manifest = Manifest(
            split=split,
            settings_digest=SETTINGS.digest(),
            code_version=CODE_VERSION,
            limit_files=None,
            rows=tuple(rows),
            refused=(),
        )
        write_manifest(cache, manifest)


def config_for(folder: Path, sizes: Sizes) -> RunConfig:
    content = {
        "name": "full",
        "paths": {"corpus": str(folder / "corpus"), "cache": str(folder / "cache"), "runs": str(folder / "runs")},
        "model": {"mamba": {"kernel": "reference"}},
        "train": {"device": "cpu", "precision": "fp32", "batch_size": 128, "epochs": 1},
        "expect": {
            "files": {split: count for split, (count, _) in sizes.items()},
            "patients": {split: patients for split, (_, patients) in sizes.items()},
        },
        "preflight": {"policy": "unused.toml"},
    }
    return parse_config(content, folder / "full.yaml")


def check_all(config: RunConfig) -> None:
    """What a preflight does with the data: look, resolve the plan, judge."""
    seen = Manifests.observe(str(config.paths.cache), str(config.paths.corpus), ["train", "dev"], SETTINGS.digest())
    facts, contract = Facts.of(seen), RunContract.from_config(config, "train")
    roster = roster_of(facts, contract)
    plan = resolve_plan(config, "train", roster.members, roster.refused)
    context = Context(facts=facts, expect=Expectations.of(contract, plan))
    for check in (manifest_current, run_contract, patients_disjoint, seizures_present):
        finding = check.check(context)
        assert finding.verdict is Verdict.PASS, finding


def stat_all(folder: Path) -> None:
    """The least: the size of every EDF file, label file and cached file."""
    pending = [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder / "corpus", RECORDINGS)
        write_cache(folder / "corpus", folder / "cache", RECORDINGS)
        config = config_for(folder, RECORDINGS)
        rounds = [(seconds(lambda: check_all(config)), seconds(lambda: stat_all(folder))) for _ in range(ROUNDS)]
    checked, plain = (statistics.median(column) for column in zip(*rounds, strict=True))
    where = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {where}")
    print(f"manifest and contract checks  {checked:.2f} s for {sum(c for c, _ in RECORDINGS.values()):,} recordings")
    print(f"stat of every file            {plain:.2f} s, the checks take {checked / plain:.1f} times that")


if __name__ == "__main__":
    main()
