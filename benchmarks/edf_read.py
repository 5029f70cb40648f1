"""Reading EDF: the own reader against MNE and against reading the bytes alone, interleaved in one process.

OMP_NUM_THREADS=1 python -m benchmarks.edf_read
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import edfio
import mne
import numpy as np
from numpy.typing import NDArray

from bgb.data.edf import read_header, read_signals_uv
from bgb.data.recording import CHANNELS, match_recording, read_recording

SECONDS, RATE_HZ, ROUNDS = 1800, 256, 9


def write_example(path: Path) -> None:
    """Half an hour of 19 channels with seven others beside them, as in TUSZ."""
    rng = np.random.default_rng(0)
    labels = [f"EEG {name.upper()}-REF" for name in CHANNELS] + [f"EEG X{number}-REF" for number in range(7)]
    signals = [
        edfio.EdfSignal.from_digital(
            rng.normal(0, 200, SECONDS * RATE_HZ).astype(np.int16),
            RATE_HZ,
            label=label,
            physical_dimension="uV",
            physical_range=(-3276.8, 3276.7),
        )
        for label in labels
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)


def own(path: Path) -> NDArray[np.float32]:
    header = read_header(path)
    return read_signals_uv(header, match_recording(header).present)


def mne_all(path: Path) -> NDArray[np.float64]:
    data: NDArray[np.float64] = mne.io.read_raw_edf(path, preload=True, verbose="error").get_data()
    return data


def main() -> None:
    cases: dict[str, Callable[[Path], object]] = {
        "MNE, all signals": mne_all,
        "MNE, the 19 channels": lambda path: mne.io.read_raw_edf(
            path, include=[f"EEG {name.upper()}-REF" for name in CHANNELS], preload=True, verbose="error"
        ),
        "own reader, the 19 channels": own,
        "own reader, with checks of amplitude": read_recording,
        "limit: read the bytes": lambda path: path.read_bytes(),
        "own reader, header only": read_header,
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "example.edf"
        write_example(path)
        expected = mne_all(path)[: len(CHANNELS)] * 1e6
        difference_uv = np.abs(own(path) - expected).max()
        for _ in range(ROUNDS):
            for name, read in cases.items():
                started = time.process_time()
                read(path)
                times[name].append(time.process_time() - started)
    print(f"{'':40}{'CPU s / EEG-h':>15}{'times MNE':>12}")
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(times["MNE, all signals"], seconds, strict=True))
        print(f"{name:40}{statistics.median(seconds) * 3600 / SECONDS:15.4f}{ratio:12.1f}")
    print(f"largest difference from MNE: {difference_uv:.1e} uV")


if __name__ == "__main__":
    main()
