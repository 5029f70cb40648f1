"""An environment of its own for each test that looks at one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.envcheck.environments import ROOT, Environment, make_environment


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return make_environment(tmp_path / "environment")


@pytest.fixture
def kernel_environment(request: pytest.FixtureRequest) -> Environment:
    """One with the compiled kernels, that somebody made and named."""
    prefix: Path | None = request.config.getoption("--kernel-environment")
    if prefix is None:
        pytest.skip("no --kernel-environment with compiled mamba_ssm and causal_conv1d was named")
    return Environment(prefix=prefix, search=(ROOT,))
