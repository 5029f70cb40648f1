"""A tiny training for every test that wants one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bgb.train.tiny_run import TinyRun


@pytest.fixture
def tiny(tmp_path: Path) -> TinyRun:
    return TinyRun(tmp_path)
