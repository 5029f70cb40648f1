"""A rehearsal at the size of TUSZ: 4,667 + 1,832 recordings as sparse files of realistic lengths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_whole_corpus_is_checked_and_scheduled_in_seconds_and_below_a_gib(tmp_path: Path) -> None:
    """Manifests, plan, contract, order of an epoch. Some 2 s; ten are what a user would still wait for."""
    command = [sys.executable, "-m", "benchmarks.scaling", "6499"]
    environment = os.environ | {"TMPDIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["windows"] > 1000
    assert found["check"] + found["epoch"] < 10
    assert found["peak_gib"] < 1
