"""That what an evaluation writes is what `nedc_eeg_eval` reads, and that what it says is told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bgb.data.annotations import Annotations, read_csv_bi, write_csv_bi
from bgb.data.manifest import ManifestRow
from bgb.evaluate.nedc import TOOL, NedcMethod, parse_summary, run_tool, write_lists
from tests.bgb.evaluate.small_run import RECORDINGS, write_cache

SUMMARY = """
==============================================================================
NEDC OVERLAP SCORING SUMMARY (v6.0.0):

 LABEL: SEIZ

        Sensitivity (TPR, Recall):      50.0000%
                 False Alarm Rate:      12.5000 per 24 hours

 LABEL: BCKG

        Sensitivity (TPR, Recall):      99.0000%
                 False Alarm Rate:      77.0000 per 24 hours

==============================================================================
NEDC INTER-RATER AGREEMENT SUMMARY (v6.0.0):

 LABEL: SEIZ   kappa 0.1
"""


@pytest.fixture
def rows(tmp_path: Path) -> tuple[ManifestRow, ...]:
    """Recordings with predictions that equal their labels."""
    found = write_cache(tmp_path / "cache")
    for row in found:
        path = tmp_path / "out" / "predictions" / f"{row.key}.csv_bi"
        path.parent.mkdir(parents=True, exist_ok=True)
        labels = Annotations(duration_seconds=row.samples / row.sample_rate_hz, seizures=row.seizures)
        write_csv_bi(path, labels, stem=path.stem)
    write_lists(tmp_path / "out", found)
    return found


def test_lists_name_labels_and_predictions_in_one_order_from_their_own_folder(
    tmp_path: Path, rows: tuple[ManifestRow, ...]
) -> None:
    folder = tmp_path / "out" / "nedc"
    lists = [(folder / f"{name}.list").read_text().splitlines() for name in ("ref", "hyp")]
    for recorded, label, prediction in zip(RECORDINGS, *lists, strict=True):
        assert read_csv_bi(folder / label).seizures == recorded.intervals
        assert read_csv_bi(folder / prediction).seizures == recorded.intervals


def test_of_each_method_the_label_of_seizures_is_read() -> None:
    assert parse_summary(SUMMARY) == {"OVERLAP": NedcMethod(sensitivity=0.5, false_alarms_per_24h=12.5)}


def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = tmp_path / "bin" / TOOL
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")


def test_where_it_is_not_installed_the_report_says_how_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "cd nedc && nedc_eeg_eval -o output ref.list hyp.list" in run_tool(tmp_path).status


def test_a_tool_that_fails_is_told_and_its_old_output_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: tuple[ManifestRow, ...]
) -> None:
    old = tmp_path / "out" / "nedc" / "output" / "summary.txt"
    old.parent.mkdir()
    old.write_text(SUMMARY)
    install(tmp_path, monkeypatch, "echo the montage is missing >&2; exit 70")
    assert run_tool(tmp_path / "out").status == f"{TOOL} ended with 70 and said: the montage is missing"


def test_a_tool_is_run_where_its_lists_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: tuple[ManifestRow, ...]
) -> None:
    (tmp_path / "summary.txt").write_text(SUMMARY)
    copy = f'test "$(wc -l < "$4")" = {len(rows)} && mkdir -p "$2" && cp {tmp_path}/summary.txt "$2"'
    install(tmp_path, monkeypatch, copy)
    assert list(run_tool(tmp_path / "out").methods) == ["OVERLAP"]


@pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} is not installed, and not ours to distribute")
def test_the_official_tool_finds_that_labels_match_themselves(tmp_path: Path, rows: tuple[ManifestRow, ...]) -> None:
    found = run_tool(tmp_path / "out")
    assert found.methods["OVERLAP"] == NedcMethod(sensitivity=1.0, false_alarms_per_24h=0.0), found.status
    assert found.methods["TAES"] == NedcMethod(sensitivity=1.0, false_alarms_per_24h=0.0)
