"""Corpora and caches of a few seconds of noise, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.builder import BuildRequest, BuildSummary, build_cache
from bgb.data.corpus import CorpusFile, discover
from bgb.data.recording import Interval
from bgb.data.signal import SignalSettings
from bgb.data.windows import WindowSpec
from bgb.data.workers import Workers
from tests.bgb.data.edf_bytes import TUSZ_LABELS, edf_bytes, eeg_digital

SPEC = WindowSpec(window_samples=4 * 256, stride_samples=256, sample_rate_hz=256)


def put(
    root: Path, key: str, *, seconds: int = 6, seizures: Sequence[tuple[float, float]] = ((1.0, 2.5),), seed: int = 0
) -> Path:
    """One recording at 250 Hz and its labels."""
    edf = root / f"{key}.edf"
    edf.parent.mkdir(parents=True, exist_ok=True)
    edf.write_bytes(edf_bytes(eeg_digital(len(TUSZ_LABELS), 250 * seconds, seed), n_records=seconds))
    intervals = tuple(Interval(start_seconds=start, stop_seconds=stop) for start, stop in seizures)
    labels = Annotations(duration_seconds=seconds, seizures=intervals)
    write_csv_bi(edf.with_suffix(".csv_bi"), labels, stem=edf.stem)
    return edf


def small_corpus(root: Path, *, train: int = 4, dev: int = 2) -> tuple[CorpusFile, ...]:
    """Recordings of 5 to 7 s, one for each patient, every second with a seizure."""
    for split, count in (("train", train), ("dev", dev)):
        for number in range(count):
            patient = f"aaaa{split[0]}{number:03}"
            put(
                root,
                f"{split}/{patient}/s001_2002/01_tcp_ar/{patient}_s001_t000",
                seconds=5 + number % 3,
                seizures=((1.0, 2.5),) if number % 2 == 0 else (),
                seed=number,
            )
    return discover(root, splits=("train", "dev"))


def request(**changes: Any) -> BuildRequest:
    fields: dict[str, Any] = {
        "settings": SignalSettings(),
        "limit_files": None,
        "keep_going": False,
        "max_refused_share": 0.0,
    }
    workers = Workers(processes=changes.pop("workers", 1), scheduler=changes.pop("cluster", None))
    return BuildRequest(**{**fields, **changes}, workers=workers)


def build(files: Sequence[CorpusFile], cache: Path, **changes: Any) -> BuildSummary:
    return build_cache(files, cache, request(**changes))


def contents(cache: Path) -> dict[str, bytes]:
    """Every file of a cache but the lock."""
    found = {path.relative_to(cache).as_posix(): path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if not name.startswith(".")}
