"""Building the cache against the obvious way, in one process, file by file in turn.

OMP_NUM_THREADS=1 python -m benchmarks.cache_build

Six recordings, 0.89 hours, on 2 cores of a Xeon at 2.8 GHz that others were using too (compare within the table):

                                         CPU s/EEG-h  MB/EEG-h  times the CPU of bgb
plain: MNE, float64, deflated windows         18.564     350.6     14.09
plain: MNE, float64, continuous float32        3.100      70.0      2.23
bgb build-cache                                1.170      35.3      1.00
limit: read and write the bytes                0.047      35.2      0.04
largest deviation of what is stored from the plain signal: 1.5e-04 sigma

Half of what is left are transforms of lengths with a large prime factor: 0.6 s an hour without them, 1.6 with.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import edfio
import mne
import numpy as np
from numpy.typing import NDArray
from scipy import signal as scipy_signal

from bgb.data.annotations import Annotations, read_csv_bi, write_csv_bi
from bgb.data.builder import BuildRequest, build_cache
from bgb.data.cache import cached_bytes, cached_path, open_cached
from bgb.data.corpus import CorpusFile, discover
from bgb.data.edf import read_header
from bgb.data.recording import CHANNELS, Interval
from bgb.data.signal import SignalSettings
from bgb.data.windows import seizure_mask
from bgb.data.workers import Workers

RATE_HZ, WINDOW, STRIDE = 256, 60 * 256, 10 * 256
RECORDINGS = ((250, 600), (250, 487), (250, 538), (256, 601), (400, 454), (400, 540))
"""Rate and seconds. 487, 601 and 2 x 269 are or hold large primes, as the lengths of real recordings do."""
LABELS = [f"EEG {name.upper()}-REF" for name in CHANNELS]
SETTINGS = SignalSettings()


@dataclass(slots=True)
class Case:
    """One way to build, and what it took, a value for each recording."""

    build: Callable[[CorpusFile, Path], object]
    cpu_seconds: list[float] = field(default_factory=list)
    written_bytes: list[int] = field(default_factory=list)


def write_recording(root: Path, number: int, rate_hz: int, seconds: int) -> None:
    """19 channels of 1/f noise with seven others beside them, as in TUSZ."""
    rng = np.random.default_rng(number)
    edf = root / f"train/p{number}/s001_2002/01_tcp_ar/p{number}_s001_t000.edf"
    edf.parent.mkdir(parents=True)
    spectrum = np.fft.rfft(rng.standard_normal((26, rate_hz * seconds)))
    spectrum[:, 1:] /= np.arange(1, spectrum.shape[1]) ** 0.5
    noise = np.fft.irfft(spectrum, rate_hz * seconds)
    digital = np.rint(300 * noise / noise.std(axis=1, keepdims=True)).clip(-32768, 32767).astype(np.int16)
    names = LABELS + [f"EEG X{extra}-REF" for extra in range(7)]
    signals = [
        edfio.EdfSignal.from_digital(
            row, rate_hz, label=name, physical_dimension="uV", physical_range=(-3276.8, 3276.7)
        )
        for row, name in zip(digital, names, strict=True)
    ]
    edfio.Edf(signals, data_record_duration=1).write(edf)
    seizures = (Interval(start_seconds=100, stop_seconds=190),)
    write_csv_bi(edf.with_suffix(".csv_bi"), Annotations(duration_seconds=seconds, seizures=seizures), stem=edf.stem)


def plain_signal(file: CorpusFile) -> NDArray[np.float32]:
    """MNE and scipy in float64, as anybody would write it first."""
    raw = mne.io.read_raw_edf(file.edf, preload=True, verbose="error").pick(LABELS)
    out = raw.get_data(units="uV")
    out = scipy_signal.resample(out, round(out.shape[1] * RATE_HZ / raw.info["sfreq"]), axis=1)
    out = scipy_signal.lfilter(*scipy_signal.butter(3, (0.5, 120), "bandpass", fs=RATE_HZ), out, axis=1)
    out = scipy_signal.lfilter(*scipy_signal.iirnotch(60, 30, fs=RATE_HZ), out, axis=1)
    out = (out - out.mean(axis=1, keepdims=True)) / out.std(axis=1, keepdims=True)
    clipped: NDArray[np.float32] = np.clip(out, -10, 10).astype(np.float32)
    return clipped


def plain_windows(file: CorpusFile, folder: Path) -> None:
    """Every window on its own, with its labels, deflated."""
    signal = plain_signal(file)
    mask = seizure_mask(read_csv_bi(file.csv_bi).seizures, 0, signal.shape[1], RATE_HZ)
    starts = range(0, signal.shape[1] - WINDOW + 1, STRIDE)
    windows = np.stack([signal[:, start : start + WINDOW] for start in starts])
    labels = np.stack([mask[start : start + WINDOW] for start in starts])
    np.savez_compressed(folder / "windows.npz", windows=windows, labels=labels)


def plain_continuous(file: CorpusFile, folder: Path) -> None:
    np.savez(folder / "continuous.npz", signal=plain_signal(file))


def own(file: CorpusFile, folder: Path) -> None:
    request = BuildRequest(
        settings=SETTINGS, limit_files=None, workers=Workers(processes=1), keep_going=False, max_refused_share=0
    )
    build_cache([file], folder, request)


def stored_signal(file: CorpusFile, folder: Path) -> NDArray[np.float32]:
    with open_cached(cached_path(folder, file.key)) as cached:
        out = np.empty((len(CHANNELS), cached.meta.samples), np.int16)
        cached.read_window(0, out)
    return out * np.float32(SETTINGS.scale)


def limit(file: CorpusFile, folder: Path) -> None:
    """Read the bytes that must be read, write those that must be written and wait for the disk."""
    file.edf.read_bytes()
    size = cached_bytes(round(read_header(file.edf).seconds * RATE_HZ), RATE_HZ)
    with (folder / "bytes").open("wb") as out:
        out.write(bytes(size))
        out.flush()
        os.fsync(out.fileno())


def measure(case: Case, file: CorpusFile, folder: Path) -> None:
    folder.mkdir()
    started = time.process_time()
    case.build(file, folder)
    case.cpu_seconds.append(time.process_time() - started)
    case.written_bytes.append(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


def main() -> None:
    cases = {
        "plain: MNE, float64, deflated windows": Case(plain_windows),
        "plain: MNE, float64, continuous float32": Case(plain_continuous),
        "bgb build-cache": Case(own),
        "limit: read and write the bytes": Case(limit),
    }
    deviation = 0.0
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name, "corpus")
        for number, (rate_hz, seconds) in enumerate(RECORDINGS):
            write_recording(corpus, number, rate_hz, seconds)
        files = discover(corpus, splits=("train",))
        for index, file in enumerate((files[0], *files)):
            folders = [Path(name, f"{index}-{number}") for number in range(len(cases))]
            for case, folder in zip(cases.values(), folders, strict=True):
                measure(case, file, folder)
            deviation = max(deviation, float(np.abs(plain_signal(file) - stored_signal(file, folders[2])).max()))
    report(cases, deviation)


def report(cases: dict[str, Case], deviation: float) -> None:
    """The first recording of each case warmed up; it does not count."""
    hours = sum(seconds for _, seconds in RECORDINGS) / 3600
    ours = cases["bgb build-cache"].cpu_seconds[1:]
    print(f"{'':40} CPU s/EEG-h  MB/EEG-h  times the CPU of bgb")
    for label, case in cases.items():
        ratio = statistics.median(a / b for a, b in zip(case.cpu_seconds[1:], ours, strict=True))
        cpu, size = sum(case.cpu_seconds[1:]) / hours, sum(case.written_bytes[1:]) / 1e6 / hours
        print(f"{label:40} {cpu:11.3f}  {size:8.1f}  {ratio:8.2f}")
    print(f"largest deviation of what is stored from the plain signal: {deviation:.1e} sigma")


if __name__ == "__main__":
    main()
