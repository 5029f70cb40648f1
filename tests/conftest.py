from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Elsewhere new examples are looked for at every run; a machine that decides about a change must not roll dice.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

HERE = Path(__file__).parent
WHOLE = tuple(HERE / name for name in ("acceptance", "bgb/train", "bgb/evaluate"))
"""Folders whose tests run whole commands, trainings or evaluations: `make test` runs them, `make q` does not."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kernel-environment",
        type=Path,
        help="a virtual environment with compiled mamba_ssm and causal_conv1d; tests that need one are skipped without",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WHOLE):
            item.add_marker(pytest.mark.whole)
