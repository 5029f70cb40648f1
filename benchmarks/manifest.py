"""Writing and checking the manifest of 4,667 recordings, against one JSON object for each window, as it was once done.

    python -m benchmarks.manifest

Also: looking at 4,667 cached files (`scan-cache` reads all headers) against reading their sizes.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bgb.data.cache import CODE_VERSION, CachedMeta, cached_path, open_cached, write_cached
from bgb.data.manifest import Manifest, ManifestRow, manifest_path, read_manifest, scan_cache, write_manifest
from bgb.data.recording import Interval
from bgb.data.signal import SignalSettings
from bgb.data.windows import WindowSpec, classify, window_starts

RECORDINGS, SECONDS, ROUNDS = 4667, 10, 5
HOUR_SAMPLES = 256 * 742
"""The 910 hours and more of the training split over its recordings."""
SPEC = WindowSpec(window_samples=60 * 256, stride_samples=10 * 256, sample_rate_hz=256)


def write_small_cache(root: Path) -> tuple[ManifestRow, ...]:
    steps = np.zeros((19, SECONDS * 256), np.int16)
    rows = []
    for number in range(RECORDINGS):
        key = f"train/p{number % 579:03}/s{number:04}/01_tcp_ar/t000"
        meta = CachedMeta(
            key=key,
            patient=f"p{number % 579:03}",
            split="train",
            samples=steps.shape[1],
            sample_rate_hz=256,
            source_sha256="0" * 64,
            source_bytes=1,
            source_mtime_ns=1,
            labels_sha256="0" * 64,
            settings_digest=SignalSettings().digest(),
            code_version=CODE_VERSION,
            repaired=(),
            interpolated=(),
            flat=(),
        )
        path = cached_path(root, key)
        write_cached(path, steps, (Interval(start_seconds=1.0, stop_seconds=3.0),) if number % 5 == 0 else (), meta)
        with open_cached(path) as cached:
            rows.append(ManifestRow.of(cached))
    return tuple(rows)


def write_by_window(rows: tuple[ManifestRow, ...], path: Path) -> None:
    """What the origin project kept: an entry for each window, 294,000 of them."""
    starts = window_starts(HOUR_SAMPLES, SPEC)
    entries = []
    for row in rows:
        classes = classify(row.seizures, HOUR_SAMPLES, SPEC)
        entries += [
            {"file": row.key, "start": int(start), "class": int(kind)}
            for start, kind in zip(starts, classes, strict=True)
        ]
    path.write_text(json.dumps(entries))


def stat_all(root: Path) -> None:
    for folder, _, names in os.walk(root):
        for name in names:
            os.stat(os.path.join(folder, name))  # noqa: PTH116, PTH118


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "cache"
        rows = write_small_cache(root)
        manifest = Manifest(
            split="train",
            settings_digest=SignalSettings().digest(),
            code_version=CODE_VERSION,
            limit_files=None,
            rows=tuple(sorted(rows, key=lambda row: row.key)),
            refused=(),
        )
        plain = Path(name) / "windows.json"
        cases: dict[str, Callable[[], object]] = {
            "plain: write JSON by window": lambda: write_by_window(rows, plain),
            "plain: read it": lambda: json.loads(plain.read_text()),
            "bgb: write manifest": lambda: write_manifest(root, manifest),
            "bgb: read manifest": lambda: read_manifest(root, "train"),
            "bgb: read and class every window": lambda: [
                classify(row.seizures, HOUR_SAMPLES, SPEC) for row in read_manifest(root, "train").rows
            ],
            "bgb: scan-cache, headers": lambda: scan_cache(root, verify=False, progress=lambda line: None),
            "limit: stat of every file": lambda: stat_all(root),
        }
        taken: dict[str, list[float]] = {label: [] for label in cases}
        for _ in range(ROUNDS):
            for label, run in cases.items():
                taken[label].append(seconds(run))
        sizes = (plain.stat().st_size, manifest_path(root, "train").stat().st_size)
    for label, values in taken.items():
        print(f"{label:38} {statistics.median(values):8.3f} s")
    print(f"by window {sizes[0] / 1e6:.1f} MB, by recording {sizes[1] / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
