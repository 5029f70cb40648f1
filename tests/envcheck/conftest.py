"""An environment of its own for each test that looks at one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envcheck.environments import Environment, make_environment


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return make_environment(tmp_path / "environment")
