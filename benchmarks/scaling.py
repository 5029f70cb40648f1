"""How cost grows with recordings: building, checking and setting up an epoch for 10, 100, 1,000 and 6,499 of them.

    python -m benchmarks.scaling

builds a cache of recordings of 20 s, all of one content, and checks and schedules sparse ones of realistic lengths.
Each size has a process of its own, whose peak memory is told. Writes `benchmarks/scaling.png`, with dotted lines for
growth in proportion.

2026-11-24, 2 cores shared with other work, x86_64 virtual machine, Python 3.11.7: see the README.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.full_corpus import Sizes, check_all, config_for, write_cache, write_corpus

TOTALS = (10, 100, 1000, 6499)
SECONDS = 20
RATE = 256
WHERE = Path(__file__).with_suffix(".png")


def sizes_of(total: int) -> Sizes:
    """Divided as TUSZ divides 6,499 recordings of 632 patients."""
    dev = max(round(total * 1832 / 6499), 1)
    return {"train": (total - dev, max((total - dev) // 8, 1)), "dev": (dev, max(dev // 35, 1))}


def rehearse(total: int) -> dict[str, float]:
    """Seconds of checks and of an epoch's set-up, and peak memory of this process."""
    sizes = sizes_of(total)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder / "corpus", sizes)
        write_cache(folder / "corpus", folder / "cache", sizes)
        config = config_for(folder, sizes)
        started = time.perf_counter()
        check_all(config)
        checked = time.perf_counter() - started

        from bgb.data.manifest import read_manifest
        from bgb.train.data import schedule

        started = time.perf_counter()
        rows = [read_manifest(config.paths.cache, split).rows for split in ("train", "dev")]
        batches = schedule(config, *rows)
        batches.train.pairs(1)
        scheduled = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"check": checked, "epoch": scheduled, "windows": len(batches.train.pairs(1)), "peak_gib": peak}


def build(total: int) -> float:
    """Seconds for a cache of `total` recordings of 20 s."""
    from edfio import Edf, EdfSignal

    from bgb.data.builder import BuildRequest, build_cache
    from bgb.data.corpus import discover
    from bgb.data.montage import CHANNELS
    from bgb.data.signal import SignalSettings
    from bgb.data.workers import Workers

    noise = np.random.default_rng(0).standard_normal((19, SECONDS * RATE))
    signals = [
        EdfSignal(40 * row, RATE, label=f"EEG {name}-REF", physical_dimension="uV", physical_range=(-400, 400))
        for name, row in zip(CHANNELS, noise, strict=True)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Edf(signals).write(folder / "one.edf")
        sizes = sizes_of(total)
        write_corpus(folder / "corpus", sizes)
        for path in (folder / "corpus").rglob("*.edf"):
            shutil.copyfile(folder / "one.edf", path)
            path.with_suffix(".csv_bi").write_text(labels(path.stem))
        files = discover(folder / "corpus", splits=list(sizes))
        request = BuildRequest(
            settings=SignalSettings(), limit_files=None, workers=Workers(), keep_going=False, max_refused_share=0.0
        )
        started = time.perf_counter()
        build_cache(files, folder / "cache", request, lambda _: None)
        return time.perf_counter() - started


def labels(stem: str) -> str:
    head = f"# version = csv_v1.0.0\n# bname = {stem}\n# duration = {SECONDS:.4f} secs\n#\n"
    rows = "TERM,0.0000,5.0000,bckg,1.0000\nTERM,5.0000,15.0000,seiz,1.0000\nTERM,15.0000,20.0000,bckg,1.0000\n"
    return f"{head}channel,start_time,stop_time,label,confidence\n{rows}"


def draw(found: dict[int, dict[str, float]]) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    parts = {"build": "build (recordings of 20 s)", "check": "manifest and contract checks", "epoch": "epoch set-up"}
    for (key, label), color in zip(parts.items(), ("#D55E00", "#0072B2", "#009E73"), strict=True):
        seconds = [found[total][key] for total in TOTALS]
        axes.plot(TOTALS, seconds, "o-", color=color, label=label)
        last = seconds[-1]
        axes.plot(TOTALS, [last * total / TOTALS[-1] for total in TOTALS], color=color, linewidth=0.8, linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="recordings", ylabel="seconds", title="Cost against recordings")
    axes.plot([], [], color="#555555", linewidth=0.8, linestyle=":", label="in proportion to the largest")
    axes.legend(frameon=False)
    axes.grid(visible=True, color="#E3E3E3")
    figure.savefig(WHERE)


def main() -> None:
    if len(sys.argv) > 1:
        total = int(sys.argv[1])
        print(json.dumps(rehearse(total) | ({"build": build(total)} if "--build" in sys.argv else {})))
        return
    found = {}
    for total in TOTALS:
        command = [sys.executable, "-m", "benchmarks.scaling", str(total), "--build"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found[total] = json.loads(said.splitlines()[-1])
        parts = ", ".join(f"{name} {value:.3g}" for name, value in found[total].items())
        print(f"{total:>5} recordings: {parts}", flush=True)
    draw(found)
    where = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {where}: {WHERE.name}")


if __name__ == "__main__":
    main()
