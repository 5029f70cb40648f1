from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
WHOLE = tuple(HERE / name for name in ("acceptance", "bgb/train", "bgb/evaluate"))
"""Folders whose tests run whole commands, trainings or evaluations: `make test` runs them, `make q` does not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WHOLE):
            item.add_marker(pytest.mark.whole)
