"""Every recording of a corpus by its header and labels; no signal is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, cast

from bgb.data.corpus import IndexedRecording, discover, index_recording, with_eval
from bgb.data.recording import Interval
from bgb.data.signal import resampled_length
from bgb.errors import DataError
from bgb.splits import Split
from envcheck.core import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusRecording:
    """One recording as its header and its label file describe it; `samples` at the rate of the cache."""

    key: str
    split: str
    patient: str
    samples: int
    sample_rate_hz: float
    seizures: tuple[Interval, ...]
    repaired: tuple[str, ...]
    missing: tuple[str, ...]
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusIndex(Fact):
    """All recordings of the corpus, or the reason why there is none to see."""

    key: ClassVar[str] = "corpus_index"
    timeout_seconds: ClassVar[float] = 300.0

    error: str | None
    recordings: tuple[CorpusRecording, ...]

    @classmethod
    def observe(cls, root: str, splits: Sequence[str], sample_rate_hz: int) -> Self:
        """Index the corpus under `root`, under 1 ms a recording: `splits`, which must be there, and eval."""
        try:
            files = discover(Path(root), splits=with_eval(cast("Sequence[Split]", splits), Path(root)))
        except DataError as error:
            return cls(error=str(error), recordings=())
        return cls(error=None, recordings=tuple(_describe(index_recording(file), sample_rate_hz) for file in files))


def _describe(recording: IndexedRecording, sample_rate_hz: int) -> CorpusRecording:
    samples = round(recording.seconds * recording.sample_rate_hz)
    return CorpusRecording(
        key=recording.key,
        split=recording.split,
        patient=recording.patient,
        samples=resampled_length(samples, recording.sample_rate_hz, sample_rate_hz) if samples else 0,
        sample_rate_hz=recording.sample_rate_hz,
        seizures=recording.seizures,
        repaired=recording.repaired,
        missing=recording.missing,
        refused=recording.refused,
    )
