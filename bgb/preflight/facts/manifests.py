"""The manifests of a cache, and whether the cached files and the corpus are still what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self, cast

from bgb.data.corpus import CorpusFile, discover
from bgb.data.manifest import Manifest, Refusal, check_manifest, manifest_path, read_manifest
from bgb.data.roster import Member
from bgb.errors import CacheError, DataError
from bgb.splits import Split
from envcheck.core import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitManifest:
    """One split's manifest as read, or why it could not be."""

    split: str
    error: str | None
    sha256: str
    settings_digest: str
    code_version: int
    limit_files: int | None
    members: tuple[Member, ...]
    refused: tuple[Refusal, ...]
    problems: tuple[str, ...]
    """What no longer agrees with the cached files or the corpus, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests(Fact):
    """The manifests of the splits that a run uses."""

    key: ClassVar[str] = "manifests"
    timeout_seconds: ClassVar[float] = 120.0

    corpus_error: str | None
    """Why the corpus could not be listed; the manifests are then compared with the cache alone."""
    splits: tuple[SplitManifest, ...]

    @classmethod
    def observe(cls, cache: str, corpus: str, splits: Sequence[str], settings_digest: str) -> Self:
        """Read each manifest, stat each file it names and list the corpus; no signal is read."""
        wanted = cast("Sequence[Split]", splits)
        files: tuple[CorpusFile, ...] | None
        try:
            files, corpus_error = discover(Path(corpus), splits=wanted), None
        except DataError as error:
            files, corpus_error = None, str(error)
        seen = tuple(_observe_split(Path(cache), split, files, settings_digest) for split in wanted)
        return cls(corpus_error=corpus_error, splits=seen)


def _observe_split(
    cache: Path, split: Split, files: tuple[CorpusFile, ...] | None, settings_digest: str
) -> SplitManifest:
    try:
        manifest = read_manifest(cache, split)
        sha256 = hashlib.sha256(manifest_path(cache, split).read_bytes()).hexdigest()
    except (CacheError, OSError) as error:
        return SplitManifest(
            split=split,
            error=str(error),
            sha256="",
            settings_digest="",
            code_version=0,
            limit_files=None,
            members=(),
            refused=(),
            problems=(),
        )
    own = None if files is None else [file for file in files if file.split == split]
    problems = check_manifest(manifest, cache, own, settings_digest)
    return SplitManifest(
        split=split,
        error=None,
        sha256=sha256,
        settings_digest=manifest.settings_digest,
        code_version=manifest.code_version,
        limit_files=manifest.limit_files,
        members=_members(manifest),
        refused=manifest.refused,
        problems=tuple(f"{problem.key}: {problem.field}: {problem.message}" for problem in problems),
    )


def _members(manifest: Manifest) -> tuple[Member, ...]:
    return tuple(
        Member(key=row.key, patient=row.patient, samples=row.samples, seizures=row.seizures) for row in manifest.rows
    )
