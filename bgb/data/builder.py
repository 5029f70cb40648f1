"""Build a cache: every recording read, processed and stored, whatever is already right left alone.

A recording is one task of one process, and each cached file appears whole or not at all, so a build can be interrupted
anywhere and goes on where it was. A cached file of a recording that is not asked for stays, unlisted. The one thing
that a build deletes is a manifest of other settings, before the first file that it lists is replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bgb.data.annotations import SEIZURE_TYPES, read_csv_bi
from bgb.data.cache import (
    CODE_VERSION,
    CachedMeta,
    CachedRecording,
    cached_path,
    open_cached,
    write_cached,
)
from bgb.data.corpus import CorpusFile
from bgb.data.disk_space import check_space, expected_bytes
from bgb.data.edf import read_header
from bgb.data.manifest import Manifest, ManifestRow, Refusal, manifest_path, read_manifest, write_manifest
from bgb.data.recording import open_recording
from bgb.data.roster import chosen_keys
from bgb.data.signal import SignalSettings, process_to_int16
from bgb.data.workers import Workers
from bgb.errors import CacheError, DataError, RecordingRefused
from bgb.splits import SPLITS

LOCK_NAME = ".build.lock"

TRIPWIRE_RECORDINGS = 10
"""So many recordings whose label files name a seizure and whose cache holds none stop a build."""


_NAMED_REFUSALS = 5

_SEIZURE_CELL = re.compile(
    rb"[,;\t]\s*(?:%s)\s*(?:[,;\t\r\n]|$)" % b"|".join(sorted(label.encode() for label in SEIZURE_TYPES)), re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRequest:
    """What to build, and when to give up."""

    settings: SignalSettings
    limit_files: int | None
    """Take only this many recordings of each split, those of `chosen_keys`; the manifests say so."""
    workers: Workers
    keep_going: bool
    """Build what can be built, however much is refused."""
    max_refused_share: float
    """Without `keep_going`: the share of recordings that may be refused before the build stops."""
    verify: bool = False
    """Read all that is cached already, and build again what is damaged where opening does not look: in its signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildProgress:
    """How far a build is."""

    done: int
    total: int
    built: int
    skipped: int
    refused: int
    eeg_seconds: float
    """Of what was built, not of what was found up to date: over `elapsed_seconds` it is the speed."""
    elapsed_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSummary:
    """What a build came to."""

    built: int
    skipped: int
    refused: tuple[Refusal, ...]
    seconds: float
    eeg_hours: float
    """Of what was built now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    """A recording that is in the cache, and whether any of its label files names a seizure."""

    row: ManifestRow
    promises_seizure: bool

    @property
    def key(self) -> str:
        return self.row.key

    @property
    def holds_seizure(self) -> bool:
        return any(seizure.start_seconds * self.row.sample_rate_hz < self.row.samples for seizure in self.row.seizures)


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What became of the recordings so far."""

    total: int
    request: BuildRequest
    started: float = field(default_factory=time.monotonic)
    rows: list[ManifestRow] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    built: int = 0
    eeg_seconds: float = 0.0
    promising: int = 0
    kept_promise: bool = False

    def add(self, item: _Cached | Refusal, *, built: bool) -> None:
        if isinstance(item, Refusal):
            self.refused.append(item)
            return
        self.rows.append(item.row)
        self.promising += item.promises_seizure
        self.kept_promise |= item.promises_seizure and item.holds_seizure
        if built:
            self.built += 1
            self.eeg_seconds += item.row.samples / item.row.sample_rate_hz

    def progress(self) -> BuildProgress:
        return BuildProgress(
            done=len(self.rows) + len(self.refused),
            total=self.total,
            built=self.built,
            skipped=len(self.rows) - self.built,
            refused=len(self.refused),
            eeg_seconds=self.eeg_seconds,
            elapsed_seconds=time.monotonic() - self.started,
        )

    def check_refusals(self) -> None:
        allowed = self.request.max_refused_share * self.total
        if self.request.keep_going or len(self.refused) <= allowed:
            return
        kinds = ", ".join(f"{count} {name}" for name, count in Counter(item.field for item in self.refused).items())
        shown = [f"  {item.key}: {item.field}: {item.message}" for item in self.refused[:_NAMED_REFUSALS]]
        raise CacheError(
            f"{len(self.refused)} of {self.total} recordings refused ({kinds}), expected at most "
            f"{self.request.max_refused_share:.0%}; mend the corpus or build with --keep-going. What is built is kept\n"
            + "\n".join(shown)
        )

    def check_seizures(self, *, least: int) -> None:
        """The labels of a whole corpus can be lost without one error; 250,000 windows once had no seizure."""
        if self.promising >= least and not self.kept_promise:
            raise CacheError(
                f"the label files of {self.promising} recordings name seizures, and their cache holds none, "
                f"{self.rows[0].key} for one; compare its .csv with its .csv_bi"
            )


def build_cache(
    files: Sequence[CorpusFile],
    cache: Path,
    request: BuildRequest,
    progress: Callable[[BuildProgress], None] | None = None,
) -> BuildSummary:
    """Bring the cache of these recordings up to date, then write a manifest for each of their splits.

    Raises `CacheError` where another build holds the cache, the disk is too small, full or read-only, a process of the
    build is killed, too many recordings are refused, or seizures that the label files name do not arrive. What was
    built stays then, and the manifests are as before; those of other settings are gone.
    """
    scope = _in_scope(files, request.limit_files)
    tally = _Tally(total=len(scope), request=request)
    with _locked(cache):
        found = {file.key: _up_to_date(file, cache, request) for file in scope}
        for item in found.values():
            if item is not None:
                tally.add(item, built=False)
        pending = [file for file in scope if found[file.key] is None]
        needed = {file.key: expected_bytes(file, request.settings) for file in pending}
        check_space(needed, cache)
        if pending:
            _retire_manifests(scope, cache, request.settings)
        if progress is not None:
            progress(tally.progress())
        tasks = [_Task(file=file, cache=cache, settings=request.settings) for file in pending]
        with contextlib.closing(request.workers.each(_build_one, tasks)) as outcomes:
            for outcome in outcomes:
                tally.add(outcome, built=True)
                tally.check_refusals()
                tally.check_seizures(least=TRIPWIRE_RECORDINGS)
                del needed[outcome.key]
                check_space(needed, cache)
                if progress is not None:
                    progress(tally.progress())
        tally.check_seizures(least=1)
        _write_manifests(scope, cache, tally)
    done = tally.progress()
    return BuildSummary(
        built=done.built,
        skipped=done.skipped,
        refused=_by_key(tally.refused),
        seconds=done.elapsed_seconds,
        eeg_hours=done.eeg_seconds / 3600,
    )


def _in_scope(files: Sequence[CorpusFile], limit_files: int | None) -> list[CorpusFile]:
    chosen = {split: chosen_keys((f.key for f in files if f.split == split), limit_files) for split in SPLITS}
    scope = sorted((file for file in files if file.key in chosen[file.split]), key=lambda file: file.key)
    if not scope:
        raise DataError("no recording to build a cache of; expected the files of a corpus")
    return scope


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Two builders of one cache would write the same files. The system gives the lock of a killed build back."""
    import filelock

    lock = filelock.FileLock(cache / LOCK_NAME)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except filelock.Timeout as error:
        raise CacheError(
            f"{cache}: another build is at work and holds {lock.lock_file}; wait until it ends, or stop it"
        ) from error
    except OSError as error:
        raise CacheError(f"{cache}: cannot be written: {error.strerror}; expected a folder for the cache") from error
    try:
        yield
    finally:
        lock.release()


def _up_to_date(file: CorpusFile, cache: Path, request: BuildRequest) -> _Cached | None:
    """What the cache holds of a recording; None where it holds nothing, or nothing that fits or is whole."""
    try:
        with open_cached(cached_path(cache, file.key)) as cached:
            labels = file.csv_bi.read_bytes()
            if not _is_fresh(cached, file, hashlib.sha256(labels).hexdigest(), request.settings):
                return None
            if request.verify:
                cached.verify()
            return _Cached(row=ManifestRow.of(cached), promises_seizure=_promises(file, labels))
    except (CacheError, OSError):
        return None


def _is_fresh(cached: CachedRecording, file: CorpusFile, labels_sha256: str, settings: SignalSettings) -> bool:
    meta = cached.meta
    return (
        meta.key == file.key
        and meta.source_bytes == file.edf_bytes
        and meta.source_mtime_ns == file.edf_mtime_ns
        and meta.labels_sha256 == labels_sha256
        and meta.settings_digest == settings.digest()
        and meta.code_version == CODE_VERSION
    )


def _promises(file: CorpusFile, labels: bytes) -> bool:
    """Whether any label file of a recording has a row that names a seizure: a plain search, no parser to be wrong."""
    return any(_SEIZURE_CELL.search(text) for text in (labels, file.csv.read_bytes() if file.csv else b""))


def _retire_manifests(scope: Sequence[CorpusFile], cache: Path, settings: SignalSettings) -> None:
    """Delete the manifests of other settings: a file of the new ones has the size that they list, and none would tell.

    Who went back to the old settings after such a build was killed would train on a mixture.
    """
    for split in {file.split for file in scope}:
        with contextlib.suppress(CacheError):
            manifest = read_manifest(cache, split)
            if (manifest.settings_digest, manifest.code_version) != (settings.digest(), CODE_VERSION):
                _delete(manifest_path(cache, split))


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise DataError(f"{path}: cannot be deleted: {error.strerror}; expected a cache that can be written") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What building one recording needs; it travels to whoever does it."""

    file: CorpusFile
    cache: Path
    settings: SignalSettings


def _build_one(task: _Task) -> _Cached | Refusal:
    """One recording from EDF to cache. That it cannot be used is a value; that it cannot be written, a `CacheError`."""
    file, settings = task.file, task.settings
    try:
        labels = file.csv_bi.read_bytes() if file.csv_bi.exists() else b""
        promises = _promises(file, labels)
        seizures = read_csv_bi(file.csv_bi, recording_seconds=read_header(file.edf).seconds).seizures
        recording = open_recording(file.edf)
        with file.edf.open("rb") as source:
            source_sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        signal = process_to_int16(recording.signal_uv, recording.sample_rate_hz, settings)
    except RecordingRefused as error:
        return Refusal(key=file.key, field=error.field, message=error.message)
    except DataError as error:
        return Refusal(key=file.key, field="signal", message=str(error))
    except OSError as error:
        return Refusal(key=file.key, field="file", message=f"cannot be read: {error.strerror}")
    meta = CachedMeta(
        key=file.key,
        patient=file.patient,
        split=file.split,
        samples=signal.shape[1],
        sample_rate_hz=settings.sample_rate_hz,
        source_sha256=source_sha256,
        source_bytes=file.edf_bytes,
        source_mtime_ns=file.edf_mtime_ns,
        labels_sha256=hashlib.sha256(labels).hexdigest(),
        settings_digest=settings.digest(),
        code_version=CODE_VERSION,
        repaired=recording.repaired,
        interpolated=recording.interpolated,
        flat=recording.flat,
    )
    path = cached_path(task.cache, file.key)
    write_cached(path, signal, seizures, meta)
    with open_cached(path) as cached:
        return _Cached(row=ManifestRow.of(cached), promises_seizure=promises)


def _write_manifests(scope: Sequence[CorpusFile], cache: Path, tally: _Tally) -> None:
    split_of = {file.key: file.split for file in scope}
    for split in sorted(set(split_of.values())):
        rows = (row for row in tally.rows if split_of[row.key] == split)
        manifest = Manifest(
            split=split,
            settings_digest=tally.request.settings.digest(),
            code_version=CODE_VERSION,
            limit_files=tally.request.limit_files,
            rows=tuple(sorted(rows, key=lambda row: row.key)),
            refused=_by_key(item for item in tally.refused if split_of[item.key] == split),
        )
        write_manifest(cache, manifest)


def _by_key(refused: Iterable[Refusal]) -> tuple[Refusal, ...]:
    return tuple(sorted(refused, key=lambda item: item.key))
