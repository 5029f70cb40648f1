"""Seizures in EDF files, by a trained checkpoint: CSV_BI and a figure for each recording."""

from __future__ import annotations

import collections
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.recording import CHANNELS, Channels, Interval, Recording, open_recording
from bgb.data.signal import Signal, SignalSettings, process_to_int16
from bgb.data.windows import WindowSpec
from bgb.errors import CheckpointError, ConfigError, DataError, RecordingRefused
from bgb.evaluate.bids import write_events
from bgb.evaluate.checkpoint import Checkpoint, Kernel, load_checkpoint, trained_kernel
from bgb.evaluate.events import find_events
from bgb.evaluate.plots import Excerpt, draw_excerpt, save
from bgb.evaluate.predict import Predictor
from envcheck.errors import ExitCode

Say = Callable[[str], None]
Device = Literal["cpu", "cuda"]
HEARTBEAT_SECONDS = 5.0
EXCERPT_SECONDS, LEAD_SECONDS = 40, 10
BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """One recording, and what was found in it."""

    path: Path
    seconds: float = 0.0
    events: tuple[Interval, ...] = ()
    csv_bi: Path | None = None
    events_tsv: Path | None = None
    figure: Path | None = None
    refused: str | None = None
    """Why it could not be read; nothing was written for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """All recordings of one call."""

    files: tuple[Predicted, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Closed where a recording was refused: its seizures are not known."""
        return ExitCode.CLOSED if any(item.refused for item in self.files) else ExitCode.OPEN

    def render(self, *, as_json: bool) -> str:
        """For people, or as JSON."""
        if as_json:
            rows = [
                {
                    "path": str(item.path),
                    "seconds": item.seconds,
                    "events": [[event.start_seconds, event.stop_seconds] for event in item.events],
                    "csv_bi": str(item.csv_bi) if item.csv_bi else None,
                    "events_tsv": str(item.events_tsv) if item.events_tsv else None,
                    "figure": str(item.figure) if item.figure else None,
                    "refused": item.refused,
                }
                for item in self.files
            ]
            return json.dumps({"schema_version": 1, "files": rows}, indent=1) + "\n"
        return "\n".join(line for item in self.files for line in _lines(item)) + "\n"


def predict_files(
    checkpoint: Path, recordings: Sequence[Path], out: Path, *, device: Device | None, say: Say
) -> Predictions:
    """Find events in each recording and write them to `out`; one that cannot be read is told and left out.

    Signals are prepared with the settings that the checkpoint carries. `ConfigError` for two recordings of one name.
    """
    twice = [name for name, count in collections.Counter(path.stem for path in recordings).items() if count > 1]
    if twice:
        raise ConfigError(
            f"two recordings are called {twice[0]}, and would write one file in {out}; predict them apart"
        )
    chosen = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if chosen == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device is cuda, and torch sees no GPU here; leave it out, or name cpu")
    loaded = _load(checkpoint, chosen, say)
    settings = SignalSettings.from_config(loaded.config.signal)
    if settings.digest() != loaded.signal_digest:
        raise CheckpointError(
            f"{checkpoint}: was trained on signals prepared as {loaded.signal_digest}, this version prepares them as "
            f"{settings.digest()}; predict with the version that trained it"
        )
    predictor = Predictor(
        detector=loaded.detector.to(chosen),
        spec=WindowSpec.from_config(loaded.config.data, loaded.config.signal),
        scale=settings.scale,
        batch_size=BATCH,
        device=chosen,
        precision="fp32",
    )
    out.mkdir(parents=True, exist_ok=True)
    files = tuple(_predict(path, predictor, loaded, out, say) for path in recordings)
    return Predictions(files=files)


def _load(path: Path, device: Device, say: Say) -> Checkpoint:
    """As trained; on a CPU the reference computes what the compiled kernels do, with the same weights."""
    kernel: Kernel = trained_kernel(path)
    if kernel == "cuda" and device == "cpu":
        say("trained with compiled kernels; on this CPU the reference computes the same network")
        kernel = "reference"
    return load_checkpoint(path, kernel)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spooled:
    """A prepared signal, (19, samples) int16, in a file that is gone with its last user: 840 MB for 24 hours."""

    file: BinaryIO
    samples: int

    @classmethod
    def prepare(
        cls, recording: Recording[NDArray[np.float32]] | Recording[Channels], settings: SignalSettings, file: BinaryIO
    ) -> Self:
        """Two channels at a time, as `process_to_int16` takes them from a whole recording: the bytes are the same."""
        signal: Signal = recording.signal_uv
        samples = 0
        for first in range(0, len(CHANNELS), 2):
            rows = process_to_int16(signal[first : first + 2], recording.sample_rate_hz, settings)
            samples = rows.shape[1]
            file.write(rows.data)
        file.flush()
        return cls(file=file, samples=samples)

    def read_window(self, start: int, out: NDArray[np.int16]) -> None:
        """Fill `out` (19, samples) from sample `start` on, with zeros after the end."""
        inside = max(min(out.shape[1], self.samples - start), 0)
        out[:, inside:] = 0
        for channel, row in enumerate(out):
            if (
                inside
                and os.preadv(self.file.fileno(), [row[:inside]], 2 * (channel * self.samples + start)) != 2 * inside
            ):
                raise DataError("a temporary file in the output folder was cut while it was in use")


def _predict(path: Path, predictor: Predictor, checkpoint: Checkpoint, out: Path, say: Say) -> Predicted:
    settings = SignalSettings.from_config(checkpoint.config.signal)
    try:
        recording = open_recording(path)
    except (RecordingRefused, OSError) as error:
        say(f"refused: {error}")
        return Predicted(path=path, refused=str(error))
    for channels, what in ((recording.interpolated, "made from its neighbours"), (recording.flat, "flat")):
        if channels:
            say(f"{path.name}: {', '.join(channels)}: {what}")
    with tempfile.TemporaryFile(dir=out) as file:
        try:
            spooled = Spooled.prepare(recording, settings, file)
        except OSError as error:
            raise DataError(f"{path}: its prepared signal takes 35 MB an hour in {out} for a while: {error}") from error
        del recording
        return _find(path, spooled, predictor, checkpoint, _Places(out=out, say=say))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    out: Path
    say: Say


def _find(path: Path, spooled: Spooled, predictor: Predictor, checkpoint: Checkpoint, places: _Places) -> Predicted:
    """Events, their files and the figure of one prepared recording."""
    rate, rules, out = checkpoint.config.signal.sample_rate_hz, checkpoint.config.evaluate, places.out
    probability = predictor.predict(spooled, spooled.samples, _heartbeat(path.name, places.say))
    if not np.isfinite(probability).all():
        raise CheckpointError(f"{path.name}: the network gives numbers that are none; its checkpoint is damaged")
    seconds = spooled.samples / rate
    events = find_events(probability, rate, rules)
    csv_bi, tsv, figure = out / f"{path.stem}.csv_bi", out / f"{path.stem}_events.tsv", out / f"{path.stem}.png"
    write_csv_bi(csv_bi, Annotations(duration_seconds=seconds, seizures=events), stem=path.stem)
    write_events(tsv, events, seconds)
    title = f"{path.stem}: {_counted(events)} in {seconds:.0f} s"
    caption = f"around the highest probability; events written to {csv_bi.name}\ncheckpoint {checkpoint.sha256[:12]}"
    excerpt = _excerpt(spooled, predictor.scale, rate, probability, events)
    save(draw_excerpt(excerpt, rules, title, caption), figure)
    return Predicted(path=path, seconds=seconds, events=events, csv_bi=csv_bi, events_tsv=tsv, figure=figure)


def _excerpt(
    spooled: Spooled,
    scale: float,
    rate: int,
    probability: NDArray[np.float32],
    events: tuple[Interval, ...],
) -> Excerpt:
    length = min(EXCERPT_SECONDS * rate, spooled.samples)
    first = min(max(int(probability.argmax()) - LEAD_SECONDS * rate, 0), spooled.samples - length)
    window = np.empty((len(CHANNELS), length), np.int16)
    spooled.read_window(first, window)
    return Excerpt(
        start_seconds=first / rate,
        signal=window * np.float32(scale),
        sample_rate_hz=rate,
        probability=probability,
        truth=None,
        predicted=events,
    )


def _heartbeat(name: str, say: Say) -> Callable[[int, int], None]:
    last = time.monotonic()

    def beat(done: int, windows: int) -> None:
        nonlocal last
        if time.monotonic() - last >= HEARTBEAT_SECONDS:
            say(f"[PREDICT] {name}: window {done} of {windows}")
            last = time.monotonic()

    return beat


def _lines(item: Predicted) -> list[str]:
    if item.refused is not None:
        return [f"refused  {item.refused}"]
    times = [f"           {event.start_seconds:9.2f} to {event.stop_seconds:9.2f} s" for event in item.events]
    return [f"{item.path}: {_counted(item.events)} in {item.seconds:.0f} s  ->  {item.csv_bi}, {item.figure}", *times]


def _counted(events: Sequence[Interval]) -> str:
    return "1 event" if len(events) == 1 else f"{len(events) or 'no'} events"
