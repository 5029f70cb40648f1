"""Openly licensed recordings through the builder: those with the 19 channels are cached, each other one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bgb.data.annotations import Annotations, write_csv_bi
from bgb.data.builder import BuildRequest, build_cache
from bgb.data.cache import cached_path, open_cached
from bgb.data.corpus import discover
from bgb.data.edf import read_header
from bgb.data.manifest import read_manifest
from bgb.data.signal import SignalSettings
from bgb.data.workers import Workers
from bgb.errors import RecordingRefused

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real"

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the recordings lie beside a development checkout only")


def as_corpus(folder: Path) -> Path:
    """The recordings in the layout of TUSZ v2, each with labels made for the test that name no seizure."""
    for source in sorted(REAL.glob("*.edf")):
        session = folder / "train" / source.stem.replace("_", "") / "s001_2020" / "01_tcp_ar"
        session.mkdir(parents=True)
        (session / source.name).symlink_to(source)
        try:
            seconds = read_header(source).seconds
        except RecordingRefused:
            seconds = 1.0
        annotations = Annotations(duration_seconds=seconds, seizures=())
        write_csv_bi(session / f"{source.stem}.csv_bi", annotations, stem=source.stem)
    return folder


def test_eeg_with_the_19_channels_is_cached_and_each_other_recording_refused_with_its_own_reason(
    tmp_path: Path,
) -> None:
    files = discover(as_corpus(tmp_path / "corpus"), splits=("train",))
    request = BuildRequest(
        settings=SignalSettings(),
        limit_files=None,
        workers=Workers(processes=1),
        keep_going=True,
        max_refused_share=0.5,
    )
    summary = build_cache(files, tmp_path / "cache", request)
    manifest = read_manifest(tmp_path / "cache", "train")
    cached = {Path(row.key).name for row in manifest.rows}
    assert cached == {"eegmat_subject00_rest", "eegmat_subject00_task"}
    assert {Path(refusal.key).name for refusal in summary.refused} == {
        file.edf.stem for file in files if file.edf.stem not in cached
    }
    assert {refusal.field for refusal in summary.refused} == {"amplitude", "label", "record_seconds"}
    for row in manifest.rows:
        with open_cached(cached_path(tmp_path / "cache", row.key)) as recording:
            recording.verify()
