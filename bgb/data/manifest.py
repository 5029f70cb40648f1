"""A split's manifest: one row for each cached recording, and what could not be cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bgb.config import Split
from bgb.data.corpus import CorpusFile
from bgb.data.recording import Interval
from bgb.data.windows import ClassCounts, WindowSpec, classify, count_classes
from envcheck.core import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """One cached recording."""

    key: str
    patient: str
    samples: int
    """At the rate of the cache."""
    sample_rate_hz: int
    """The rate of the cache."""
    seizures: tuple[Interval, ...]
    cache_bytes: int
    source_sha256: str
    source_bytes: int
    source_mtime_ns: int
    labels_sha256: str
    repaired: tuple[str, ...]
    interpolated: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A recording that could not be cached, and why."""

    key: str
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One way in which a cache is not what it should be. `key` names the recording; empty: the whole split."""

    field: str
    key: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest(Record):
    """What the cache of one split holds."""

    key: ClassVar[str] = "manifest"
    schema: ClassVar[int] = 1

    split: Split
    settings_digest: str
    code_version: int
    limit_files: int | None
    """The limit that the build was made under; None: every recording of the split."""
    rows: tuple[ManifestRow, ...]
    refused: tuple[Refusal, ...]

    def digest(self) -> str:
        """SHA-256 of what a run would see. Without the times of the source files: a copied corpus has others."""
        raise NotImplementedError

    def class_counts(self, spec: WindowSpec) -> ClassCounts:
        """Windows of each class over all recordings."""
        counts = [count_classes(classify(row.seizures, row.samples, spec)) for row in self.rows]
        return ClassCounts(
            no_seizure=sum(count.no_seizure for count in counts),
            partial_seizure=sum(count.partial_seizure for count in counts),
            full_seizure=sum(count.full_seizure for count in counts),
        )

    @property
    def hours(self) -> float:
        return sum(row.samples / row.sample_rate_hz for row in self.rows) / 3600


def manifest_path(cache: Path, split: Split) -> Path:
    """Where a split's manifest lies."""
    return cache / split / "manifest.json"


def read_manifest(cache: Path, split: Split) -> Manifest:
    """The manifest of a split; `CacheError` where it is absent, empty, not JSON or of another schema."""
    raise NotImplementedError


def write_manifest(cache: Path, manifest: Manifest) -> None:
    """Write a manifest, whole or not at all."""
    raise NotImplementedError


def rebuild_manifest(cache: Path, split: Split, *, limit_files: int | None) -> Manifest:
    """The manifest that the headers of a split's cached files give; it is not written."""
    raise NotImplementedError


def check_manifest(
    manifest: Manifest, cache: Path, corpus: Sequence[CorpusFile] | None, settings_digest: str
) -> tuple[Problem, ...]:
    """How a manifest differs from the cache, from the corpus and from the settings of a run, without opening EDF."""
    raise NotImplementedError


def scan_cache(cache: Path, *, verify: bool, progress: Callable[[str], None] | None = None) -> tuple[Problem, ...]:
    """Every damaged or unfinished file of a cache, by name; `verify` reads all bytes."""
    raise NotImplementedError
