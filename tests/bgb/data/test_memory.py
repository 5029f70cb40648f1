"""A recording of 24 hours is built in a bounded amount of memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bgb.data.edf_bytes import TUSZ_LABELS, edf_bytes

ROOT = Path(__file__).resolve().parents[3]
HOURS, RATE = 24, 250
GIB = 2.2
"""The stored signal has 0.8 of them and the transform of two channels 1.1; all channels in float32 would add 1.6."""
BUILD = """
import resource, sys
from pathlib import Path
from bgb.data.corpus import discover
from tests.bgb.data.small_corpus import build
print(build(discover(Path(sys.argv[1]), splits=("train",)), Path(sys.argv[2])).built)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_day_of_eeg_is_built_in_bounded_memory(tmp_path: Path) -> None:
    import numpy as np

    from bgb.data.annotations import Annotations, write_csv_bi
    from bgb.data.recording import Interval

    minute = np.random.default_rng(0).integers(-500, 500, (len(TUSZ_LABELS), 60 * RATE), np.int16)
    head = edf_bytes(list(minute), n_records=60)
    header_bytes = len(head) - minute.nbytes
    edf = tmp_path / "corpus" / "train" / "aaaaaaaa" / "s001_2002" / "01_tcp_ar" / "aaaaaaaa_s001_t000.edf"
    edf.parent.mkdir(parents=True)
    with edf.open("wb") as out:
        out.write(head[:236] + f"{HOURS * 3600:<8}".encode() + head[244:header_bytes])
        for _ in range(HOURS * 60):
            out.write(head[header_bytes:])
    seizures = (Interval(start_seconds=100.0, stop_seconds=160.0),)
    labels = Annotations(duration_seconds=HOURS * 3600, seizures=seizures)
    write_csv_bi(edf.with_suffix(".csv_bi"), labels, stem=edf.stem)
    command = [sys.executable, "-c", BUILD, str(tmp_path / "corpus"), str(tmp_path / "cache")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    built, peak_kib = map(int, done.stdout.split())
    assert built == 1
    print(f"{peak_kib / 2**20:.2f} GiB")
    assert peak_kib < GIB * 2**20
