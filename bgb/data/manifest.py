"""A split's manifest: one row for each cached recording, and what could not be cached.

Windows are not listed: they follow from a row's length and seizures. 6,499 rows are 3 MB and read in a quarter of a
second; the windows of an epoch would be a hundred times that.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bgb.data.cache import CODE_VERSION, PARTIAL_SUFFIX, SUFFIX, CachedRecording, cached_path, open_cached, replacing
from bgb.data.corpus import CorpusFile
from bgb.data.recording import Interval
from bgb.data.roster import chosen_keys
from bgb.data.windows import ClassCounts, WindowSpec, classify, count_classes
from bgb.errors import CacheError
from bgb.splits import SPLITS, Split
from envcheck.core import Record, SchemaMismatch, decode, digest_json, encode
from envcheck.errors import FileUnusable
from envcheck.storage import read_json

_PROGRESS_SECONDS = 2.0


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

    @classmethod
    def of(cls, cached: CachedRecording) -> ManifestRow:
        """What the header of a cached recording says."""
        meta = cached.meta
        return cls(
            key=meta.key,
            patient=meta.patient,
            samples=meta.samples,
            sample_rate_hz=meta.sample_rate_hz,
            seizures=cached.seizures,
            cache_bytes=cached.file_bytes,
            source_sha256=meta.source_sha256,
            source_bytes=meta.source_bytes,
            source_mtime_ns=meta.source_mtime_ns,
            labels_sha256=meta.labels_sha256,
            repaired=meta.repaired,
            interpolated=meta.interpolated,
        )


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
    """In order of key."""
    refused: tuple[Refusal, ...]

    def digest(self) -> str:
        """SHA-256 of what a run would see. Without the times of the source files: a copied corpus has others."""
        return _digest(encode(self))

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
    """The manifest of a split; `CacheError` where it is absent, empty, not JSON, of another schema or changed."""
    path = manifest_path(cache, split)
    try:
        stored = read_json(path)
        if stored.get("schema") != Manifest.schema:
            raise SchemaMismatch(f"expected schema {Manifest.schema}, found {stored.get('schema')!r}")
        manifest = decode(Manifest, stored.get("manifest"))
    except FileUnusable as error:
        raise CacheError(f"{error}; `bgb build-cache` writes the manifest") from error
    except SchemaMismatch as error:
        raise CacheError(f"{path}: not a manifest of this version: {error}; `bgb build-cache` writes one") from error
    if manifest.split != split:
        raise CacheError(f"{path}: is the manifest of {manifest.split}, expected {split}; was a folder renamed?")
    if stored.get("digest") != _digest(stored["manifest"]):
        raise CacheError(
            f"{path}: its digest is not that of its rows: changed by hand, or damaged; "
            "`bgb build-cache` writes it again"
        )
    return manifest


def write_manifest(cache: Path, manifest: Manifest) -> None:
    """Write a manifest, whole or not at all."""
    value = encode(manifest)
    text = json.dumps({"schema": Manifest.schema, "digest": _digest(value), "manifest": value})
    # A killed build leaves a name that a scan knows and the next build overwrites.
    with replacing(manifest_path(cache, manifest.split)) as file:
        file.write(f"{text}\n".encode())


def rebuild_manifest(cache: Path, split: Split, *, limit_files: int | None) -> Manifest:
    """The manifest that the headers of a split's cached files give; it is not written.

    What was refused is known to no header: refusals are taken over from the manifest that is there, if one can be read.
    `CacheError` names a damaged file, and the first that was built with other settings than the one before it.
    """
    rows: dict[str, ManifestRow] = {}
    made: set[tuple[str, int]] = set()
    for path in _cached_files(cache, split):
        with open_cached(path) as cached:
            row = _row_at(path, cache, cached)
            rows[row.key] = row
            made.add((cached.meta.settings_digest, cached.meta.code_version))
        if len(made) > 1:
            raise CacheError(
                f"{path}: made with other signal settings or by another version than the files before it; "
                "`bgb build-cache` makes them alike"
            )
    if not made:
        raise CacheError(f"{cache / split}: no cached recording in it; `bgb build-cache` makes some")
    (settings_digest, code_version) = made.pop()
    refused = {item.key: item for item in _known_refusals(cache, split) if item.key not in rows}
    chosen = chosen_keys([*rows, *refused], limit_files)
    return Manifest(
        split=split,
        settings_digest=settings_digest,
        code_version=code_version,
        limit_files=limit_files,
        rows=tuple(row for key, row in sorted(rows.items()) if key in chosen),
        refused=tuple(item for key, item in sorted(refused.items()) if key in chosen),
    )


def check_manifest(
    manifest: Manifest, cache: Path, corpus: Sequence[CorpusFile] | None, settings_digest: str
) -> tuple[Problem, ...]:
    """How a manifest differs from the cached files, from the corpus and from a run's settings.

    Looks at names, sizes and times and reads the label files; opens neither EDF nor cached signal. `corpus` is all of
    the split: a manifest made under a limit is held against the recordings that its limit chooses.
    """
    problems = [*_check_settings(manifest, settings_digest), *_check_cached(manifest, cache)]
    if corpus is not None:
        problems += _check_corpus(manifest, corpus)
    return tuple(problems)


def scan_cache(cache: Path, *, verify: bool, progress: Callable[[str], None] | None = None) -> tuple[Problem, ...]:
    """Every damaged, unfinished or unlisted file of a cache, by name; `verify` reads all bytes.

    `CacheError` where there is no cache at all.
    """
    files = {split: list(_cached_files(cache, split)) for split in SPLITS if (cache / split).is_dir()}
    if not files:
        raise CacheError(f"{cache}: no cache: found none of {', '.join(SPLITS)} in it; `bgb build-cache` makes one")
    done, total, last = 0, sum(map(len, files.values())), time.monotonic()
    problems: list[Problem] = []
    for split, paths in files.items():
        manifest, found = _scan_manifest(cache, split)
        problems += found
        rows = {row.key: row for row in manifest.rows} if manifest is not None else {}
        for path in paths:
            problems += _scan_file(path, cache, rows, verify=verify)
            done += 1
            if progress is not None and (done == total or time.monotonic() - last > _PROGRESS_SECONDS):
                last = time.monotonic()
                progress(f"[CACHE] looked at {done} of {total} files, {len(problems)} problems")
    return tuple(problems)


def _digest(manifest: Any) -> str:
    """Of a manifest as JSON."""
    rows = [{name: value for name, value in row.items() if name != "source_mtime_ns"} for row in manifest["rows"]]
    return digest_json({**manifest, "rows": rows})


def _cached_files(cache: Path, split: Split) -> Iterator[Path]:
    """Every finished file of a split, sorted."""
    return _files(cache / split, SUFFIX)


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    for directory, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(directory, name) for name in sorted(names) if name.endswith(suffix))


def _row_at(path: Path, cache: Path, cached: CachedRecording) -> ManifestRow:
    row = ManifestRow.of(cached)
    if cached_path(cache, row.key) != path:
        raise CacheError(
            f"{path}: holds the recording {row.key}; was it moved? `bgb build-cache` builds what is missing"
        )
    return row


def _known_refusals(cache: Path, split: Split) -> tuple[Refusal, ...]:
    try:
        return read_manifest(cache, split).refused
    except CacheError:
        return ()


def _check_settings(manifest: Manifest, settings_digest: str) -> Iterator[Problem]:
    for field, found, expected in (
        ("settings_digest", manifest.settings_digest, settings_digest),
        ("code_version", str(manifest.code_version), str(CODE_VERSION)),
    ):
        if found != expected:
            yield Problem(
                field=field, key="", message=f"the cache was built with {found[:12]}, now it is {expected[:12]}"
            )


def _check_cached(manifest: Manifest, cache: Path) -> Iterator[Problem]:
    sizes = _cached_sizes(cache, manifest.split)
    for row in manifest.rows:
        size = sizes.pop(row.key, None)
        if size is None:
            yield Problem(field="cache", key=row.key, message="its cached file is not there")
        elif size != row.cache_bytes:
            message = f"its cached file has {size} bytes, the manifest says {row.cache_bytes}"
            yield Problem(field="cache_bytes", key=row.key, message=message)
    if manifest.limit_files is None:
        for key in sorted(sizes.keys() - {item.key for item in manifest.refused}):
            yield Problem(field="rows", key=key, message="cached, but the manifest does not list it")


def _cached_sizes(cache: Path, split: Split) -> dict[str, int]:
    """Bytes of every finished file of a split, by key. As strings: 6,499 `Path`s would take half a second."""
    root, suffix = len(str(cache)) + 1, len(SUFFIX)
    paths = (
        f"{directory}/{name}"
        for directory, _, names in os.walk(str(cache / split))
        for name in names
        if name.endswith(SUFFIX)
    )
    return {path[root:-suffix]: os.stat(path).st_size for path in paths}  # noqa: PTH116


def _check_corpus(manifest: Manifest, corpus: Sequence[CorpusFile]) -> Iterator[Problem]:
    own = {file.key: file for file in corpus if file.split == manifest.split}
    chosen = chosen_keys(own, manifest.limit_files)
    rows = {row.key: row for row in manifest.rows}
    known = rows.keys() | {item.key for item in manifest.refused}
    for key in sorted(chosen - known):
        yield Problem(field="rows", key=key, message="in the corpus, but neither listed in the manifest nor refused")
    for key in sorted(known - chosen):
        yield Problem(field="corpus", key=key, message="listed in the manifest, but not a recording of this corpus")
    for key in sorted(chosen & rows.keys()):
        yield from _check_source(rows[key], own[key])


def _check_source(row: ManifestRow, file: CorpusFile) -> Iterator[Problem]:
    for field, found, expected in (
        ("source_bytes", file.edf_bytes, row.source_bytes),
        ("source_mtime_ns", file.edf_mtime_ns, row.source_mtime_ns),
    ):
        if found != expected:
            message = f"its EDF file changed since it was cached: now {found}, then {expected}"
            yield Problem(field=field, key=row.key, message=message)
    try:
        labels = hashlib.sha256(file.csv_bi.read_bytes()).hexdigest()
    except OSError as error:
        yield Problem(field="labels", key=row.key, message=f"its label file cannot be read: {error.strerror}")
        return
    if labels != row.labels_sha256:
        yield Problem(field="labels_sha256", key=row.key, message="its label file changed since it was cached")


def _scan_manifest(cache: Path, split: Split) -> tuple[Manifest | None, list[Problem]]:
    unfinished = [
        Problem(
            field="unfinished",
            key=path.relative_to(cache).as_posix(),
            message="left by a build that was killed; the next one writes it again",
        )
        for path in _files(cache / split, PARTIAL_SUFFIX)
    ]
    try:
        manifest = read_manifest(cache, split)
    except CacheError as error:
        return None, [Problem(field="manifest", key="", message=str(error)), *unfinished]
    found = check_manifest(manifest, cache, None, manifest.settings_digest)
    return manifest, [*found, *unfinished]


def _scan_file(path: Path, cache: Path, rows: Mapping[str, ManifestRow], *, verify: bool) -> Iterator[Problem]:
    key = path.relative_to(cache).as_posix().removesuffix(SUFFIX)
    try:
        with open_cached(path) as cached:
            row = _row_at(path, cache, cached)
            if verify:
                cached.verify()
    except CacheError as error:
        yield Problem(field="damaged", key=key, message=str(error))
        return
    if key in rows and rows[key] != row:
        differing = [f.name for f in dataclasses.fields(row) if getattr(row, f.name) != getattr(rows[key], f.name)]
        yield Problem(field="rows", key=key, message=f"file and manifest differ in {', '.join(differing)}")
