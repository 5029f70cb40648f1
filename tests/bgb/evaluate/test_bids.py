from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bgb.data.recording import Interval
from bgb.evaluate.bids import COLUMNS, events_path, write_events


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_each_event_is_a_row_with_the_columns_of_szcore(tmp_path: Path) -> None:
    events = [Interval(start_seconds=10.5, stop_seconds=40.25), Interval(start_seconds=60, stop_seconds=70)]
    write_events(tmp_path / "a_events.tsv", events, 120.0)
    first, second = rows(tmp_path / "a_events.tsv")
    assert tuple(first) == COLUMNS
    assert (first["onset"], first["duration"], first["eventType"]) == ("10.5000", "29.7500", "sz")
    assert (second["onset"], second["recordingDuration"], second["dateTime"]) == ("60.0000", "120.0000", "n/a")


def test_no_event_is_a_row_of_background(tmp_path: Path) -> None:
    write_events(tmp_path / "a_events.tsv", [], 120.0)
    (only,) = rows(tmp_path / "a_events.tsv")
    assert (only["onset"], only["duration"], only["eventType"]) == ("0.0000", "120.0000", "bckg")


def test_the_tool_of_szcore_reads_them(tmp_path: Path) -> None:
    annotations = pytest.importorskip("epilepsy2bids.annotations", reason="epilepsy2bids is not installed")
    write_events(tmp_path / "a_events.tsv", [Interval(start_seconds=10.5, stop_seconds=40.25)], 120.0)
    read = annotations.Annotations.loadTsv(str(tmp_path / "a_events.tsv"))
    assert read.getEvents() == [(10.5, 40.25)]


def test_two_montages_of_one_session_do_not_share_a_file() -> None:
    one, other = (
        events_path(f"dev/aaaaaaaa/s001_2002/{montage}/aaaaaaaa_s001_t000") for montage in ("01_tcp_ar", "02_tcp_le")
    )
    name = "sub-aaaaaaaa/ses-001/eeg/sub-aaaaaaaa_ses-001_task-szMonitoring_acq-01tcpar_run-000_events.tsv"
    assert str(one) == name
    assert one != other


def test_a_key_of_another_corpus_keeps_its_folders() -> None:
    assert str(events_path("dev/x/y")) == "dev/x/y_events.tsv"
