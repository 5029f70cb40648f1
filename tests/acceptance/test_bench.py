from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.command_line import bgb

pytestmark = pytest.mark.whole


def test_every_part_is_measured_and_the_slowest_is_named(built: Path) -> None:
    before = sorted(path for path in built.rglob("*"))
    answer = bgb("bench", built / "run.yaml", "--json")
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    bench = found["bench"]
    assert 0.05 < bench["build"]["cpu_seconds_per_eeg_hour"] < 60
    assert 34e6 < bench["build"]["cache_bytes_per_eeg_hour"] < 40e6
    assert bench["load"]["warm_windows_per_second"] > bench["step"]["windows_per_second"]
    assert bench["step"]["hours"] > 0
    assert found["limit"].startswith("the training step")
    assert sorted(path for path in built.rglob("*")) == before, "what was built for the measurement is gone"


def test_what_cannot_be_measured_says_why_and_the_rest_is(built: Path, tmp_path: Path) -> None:
    answer = bgb("bench", built / "run.yaml", "--cache-dir", tmp_path / "none")
    assert answer.returncode == 0, answer.stderr
    assert "not measured" in answer.stdout
    assert "CPU s and" in answer.stdout
    assert "limits the run: unknown" in answer.stdout
