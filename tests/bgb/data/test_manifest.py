from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from bgb.data.cache import CODE_VERSION, cached_path
from bgb.data.corpus import CorpusFile, discover
from bgb.data.manifest import (
    Manifest,
    ManifestRow,
    Problem,
    Refusal,
    check_manifest,
    manifest_path,
    read_manifest,
    rebuild_manifest,
    scan_cache,
    write_manifest,
)
from bgb.data.recording import Interval
from bgb.data.roster import chosen_keys
from bgb.data.signal import SignalSettings
from bgb.data.windows import ClassCounts
from bgb.errors import CacheError
from tests.bgb.data.small_corpus import SPEC, build, put, small_corpus

SETTINGS = SignalSettings().digest()


@pytest.fixture
def files(tmp_path: Path) -> tuple[CorpusFile, ...]:
    return small_corpus(tmp_path / "corpus")


@pytest.fixture
def cache(files: tuple[CorpusFile, ...], tmp_path: Path) -> Path:
    build(files, tmp_path / "cache")
    return tmp_path / "cache"


def row_of(number: int, **changes: object) -> ManifestRow:
    row = ManifestRow(
        key=f"train/p{number:04}/s/m/t",
        patient=f"p{number:04}",
        samples=256 * 600,
        sample_rate_hz=256,
        seizures=(Interval(start_seconds=10.5, stop_seconds=90.25),) if number % 5 == 0 else (),
        cache_bytes=5_000_000,
        source_sha256="a" * 64,
        source_bytes=4_000_000,
        source_mtime_ns=1_700_000_000_000_000_000 + number,
        labels_sha256="b" * 64,
        repaired=(),
        interpolated=("Pz",) if number % 7 == 0 else (),
    )
    return dataclasses.replace(row, **changes)  # type: ignore[arg-type]


def manifest_of(*rows: ManifestRow, **changes: object) -> Manifest:
    manifest = Manifest(
        split="train", settings_digest=SETTINGS, code_version=CODE_VERSION, limit_files=None, rows=rows, refused=()
    )
    return dataclasses.replace(manifest, **changes)  # type: ignore[arg-type]


def problems_of(cache: Path, corpus: tuple[CorpusFile, ...] | None = None) -> list[tuple[str, str]]:
    problems = check_manifest(read_manifest(cache, "train"), cache, corpus, SETTINGS)
    return [(problem.field, problem.key) for problem in problems]


def test_a_manifest_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    refused = (Refusal(key="train/p9999/s/m/t", field="label", message="no Cz, found 'Ünit \udcff'"),)
    manifest = manifest_of(*map(row_of, range(40)), refused=refused, limit_files=50)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path, "train") == manifest
    first = manifest_path(tmp_path, "train").read_bytes()
    write_manifest(tmp_path, manifest)
    assert manifest_path(tmp_path, "train").read_bytes() == first


def test_the_digest_follows_everything_but_the_times_of_the_source_files() -> None:
    manifest = manifest_of(row_of(1), row_of(2))
    other = [
        manifest_of(row_of(1)),
        manifest_of(row_of(1), row_of(2), limit_files=2),
        manifest_of(row_of(1), row_of(2), settings_digest="other"),
        manifest_of(row_of(1), row_of(2, seizures=(Interval(start_seconds=0.0, stop_seconds=1.0),))),
        manifest_of(row_of(1), row_of(2, labels_sha256="c" * 64)),
    ]
    assert len({manifest.digest(), *(item.digest() for item in other)}) == 6
    assert manifest_of(row_of(1), row_of(2, source_mtime_ns=5)).digest() == manifest.digest()


def test_hours_and_windows_follow_from_lengths_and_intervals() -> None:
    manifest = manifest_of(row_of(0), row_of(1))
    assert manifest.hours == pytest.approx(1 / 3)
    spec = dataclasses.replace(SPEC, window_samples=60 * 256, stride_samples=10 * 256)
    counts = manifest.class_counts(spec)
    assert counts == ClassCounts(no_seizure=45 + 55, partial_seizure=7, full_seizure=3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such file"),
        (b"", "empty file"),
        (b"<html>", "not valid JSON"),
        (b"[]", "found a list"),
        (b"{}", "schema"),
        (b'{"schema": 2, "manifest": {}}', "expected schema 1, found 2"),
        (b'{"schema": 1, "manifest": {"split": "train"}}', "missing or unknown fields"),
    ],
)
def test_what_is_no_manifest_is_one_message_that_says_how_to_get_one(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    (tmp_path / "train").mkdir()
    if content is not None:
        manifest_path(tmp_path, "train").write_bytes(content)
    with pytest.raises(CacheError, match=says) as caught:
        read_manifest(tmp_path, "train")
    assert "bgb build-cache" in str(caught.value)


def test_a_manifest_that_was_edited_or_is_of_another_split_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path, manifest_of(row_of(1)))
    path = manifest_path(tmp_path, "train")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "manifest.json").write_bytes(path.read_bytes())
    with pytest.raises(CacheError, match="manifest of train, expected dev"):
        read_manifest(tmp_path, "dev")
    path.write_text(path.read_text().replace('"samples": 153600', '"samples": 153601'))
    with pytest.raises(CacheError, match="digest"):
        read_manifest(tmp_path, "train")


def test_a_manifest_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "train").touch()
    with pytest.raises(CacheError, match="cannot be written"):
        write_manifest(tmp_path, manifest_of())


def test_the_headers_of_the_cached_files_give_the_manifest_again(cache: Path) -> None:
    for written in (read_manifest(cache, "train"), read_manifest(cache, "dev")):
        manifest_path(cache, written.split).unlink()
        assert rebuild_manifest(cache, written.split, limit_files=None) == written


def test_a_rebuilt_manifest_keeps_what_is_known_to_be_refused_and_the_limit_chooses_as_for_a_build(
    files: tuple[CorpusFile, ...], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    files[-1].csv_bi.unlink()
    build(files, cache, keep_going=True)
    written = read_manifest(cache, "train")
    assert [item.key for item in written.refused] == [files[-1].key]
    assert rebuild_manifest(cache, "train", limit_files=None) == written
    limited = rebuild_manifest(cache, "train", limit_files=2)
    keys = {row.key for row in limited.rows} | {item.key for item in limited.refused}
    assert keys == chosen_keys((file.key for file in files if file.split == "train"), 2)


def test_rebuilding_refuses_nothing_damage_and_a_mixture_of_settings(
    files: tuple[CorpusFile, ...], cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(CacheError, match="no cached recording"):
        rebuild_manifest(tmp_path / "nowhere", "train", limit_files=None)
    build(files[-1:], cache, settings=SignalSettings(notch_hz=50.0))
    with pytest.raises(CacheError, match=rf"{files[-1].patient}.*other signal settings"):
        rebuild_manifest(cache, "train", limit_files=None)
    os.truncate(cached_path(cache, files[-1].key), 50)
    with pytest.raises(CacheError, match=rf"{files[-1].patient}.*not a whole"):
        rebuild_manifest(cache, "train", limit_files=None)


def test_a_fresh_manifest_agrees_with_cache_corpus_and_settings(cache: Path, files: tuple[CorpusFile, ...]) -> None:
    assert problems_of(cache, files) == problems_of(cache) == []


def test_every_difference_from_the_cached_files_is_named(cache: Path, files: tuple[CorpusFile, ...]) -> None:
    missing, shorter, unlisted = (file.key for file in files if file.split == "train" and file is not files[2])
    cached_path(cache, missing).unlink()
    os.truncate(cached_path(cache, shorter), 50)
    manifest = read_manifest(cache, "train")
    write_manifest(cache, dataclasses.replace(manifest, rows=tuple(r for r in manifest.rows if r.key != unlisted)))
    assert problems_of(cache) == [("cache", missing), ("cache_bytes", shorter), ("rows", unlisted)]


def test_every_difference_from_the_corpus_is_named(tmp_path: Path, files: tuple[CorpusFile, ...], cache: Path) -> None:
    removed, longer, touched, relabelled = (file for file in files if file.split == "train")
    removed.edf.unlink()
    longer.edf.write_bytes(longer.edf.read_bytes() + b"\0")
    os.utime(longer.edf, ns=(longer.edf_mtime_ns, longer.edf_mtime_ns))
    os.utime(touched.edf, ns=(1, 1))
    relabelled.csv_bi.write_text(relabelled.csv_bi.read_text() + "\n")
    new = put(tmp_path / "corpus", "train/aaaazzzz/s001_2002/01_tcp_ar/aaaazzzz_s001_t000")
    assert problems_of(cache, discover(tmp_path / "corpus", splits=("train",))) == [
        ("rows", f"train/aaaazzzz/s001_2002/01_tcp_ar/{new.stem}"),
        ("corpus", removed.key),
        ("source_bytes", longer.key),
        ("source_mtime_ns", touched.key),
        ("labels_sha256", relabelled.key),
    ]
    relabelled.csv_bi.unlink()
    assert ("labels", relabelled.key) in problems_of(cache, discover(tmp_path / "corpus", splits=("train",)))


def test_stale_settings_and_code_are_named_by_field(cache: Path, files: tuple[CorpusFile, ...]) -> None:
    manifest = dataclasses.replace(read_manifest(cache, "train"), code_version=CODE_VERSION - 1)
    problems = check_manifest(manifest, cache, files, SignalSettings(notch_hz=50.0).digest())
    assert [(problem.field, problem.key) for problem in problems] == [("settings_digest", ""), ("code_version", "")]


def test_a_manifest_made_under_a_limit_says_so_and_is_held_against_what_its_limit_chooses(
    files: tuple[CorpusFile, ...], cache: Path
) -> None:
    build(files, cache, limit_files=2)
    assert read_manifest(cache, "train").limit_files == 2
    assert problems_of(cache, files) == []


def test_a_manifest_of_a_subset_that_claims_to_be_full_is_found_out_by_the_corpus_and_by_the_cache(
    files: tuple[CorpusFile, ...], cache: Path
) -> None:
    """A leaked limit once outlived its variable in a manifest: 50 of 3,734 recordings were used."""
    build(files, cache, limit_files=1)
    leaked = dataclasses.replace(read_manifest(cache, "train"), limit_files=None)
    for corpus in (files, None):
        assert sum(p.field == "rows" for p in check_manifest(leaked, cache, corpus, SETTINGS)) >= 3


def scan(cache: Path, *, verify: bool = False) -> list[tuple[str, str]]:
    return [(problem.field, problem.key) for problem in scan_cache(cache, verify=verify)]


def test_a_whole_cache_scans_clean_and_progress_ends_at_the_end(cache: Path) -> None:
    said: list[str] = []
    assert scan_cache(cache, verify=True, progress=said.append) == ()
    assert said[-1] == "[CACHE] looked at 6 of 6 files, 0 problems"


def test_scanning_names_each_damaged_unfinished_moved_and_foreign_file(
    cache: Path, files: tuple[CorpusFile, ...]
) -> None:
    cut, flipped, moved = (file.key for file in files if file.split == "train" and file is not files[2])
    size = cached_path(cache, cut).stat().st_size
    os.truncate(cached_path(cache, cut), size // 2)
    content = bytearray(cached_path(cache, flipped).read_bytes())
    content[50_000] ^= 4
    cached_path(cache, flipped).write_bytes(content)
    cached_path(cache, moved).rename(cache / "train" / "elsewhere.npz")
    (cache / "train" / "page.npz").write_text("<html>")
    cached_path(cache, moved).with_suffix(".npz.partial").touch()
    quick = {("cache_bytes", cut), ("damaged", cut), ("cache", moved), ("unfinished", f"{moved}.npz.partial")}
    quick |= {(field, f"train/{name}") for field in ("damaged", "rows") for name in ("elsewhere", "page")}
    assert set(scan(cache)) == quick
    assert set(scan(cache, verify=True)) == {*quick, ("damaged", flipped)}


def test_scanning_tells_a_manifest_that_is_missing_or_speaks_of_other_files(
    cache: Path, files: tuple[CorpusFile, ...]
) -> None:
    manifest_path(cache, "dev").unlink()
    manifest = read_manifest(cache, "train")
    write_manifest(
        cache,
        dataclasses.replace(manifest, rows=(dataclasses.replace(manifest.rows[0], patient="x"), *manifest.rows[1:])),
    )
    assert sorted(scan(cache)) == [("manifest", ""), ("rows", manifest.rows[0].key)]
    (problem,) = [p for p in scan_cache(cache, verify=False) if p.field == "rows"]
    assert problem == Problem(field="rows", key=manifest.rows[0].key, message="file and manifest differ in patient")


def test_where_there_is_no_cache_there_is_nothing_to_scan(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="no cache"):
        scan_cache(tmp_path, verify=False)
