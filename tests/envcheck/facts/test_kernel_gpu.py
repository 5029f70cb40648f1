"""What the facts that need a GPU say where there is none; what they compute is tested with the numerics."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from envcheck.facts.kernel_numerics import KernelNumerics
from envcheck.facts.kernel_path import KernelPath
from envcheck.facts.kernel_speed import KernelSpeed
from tests.envcheck.environments import Environment

HERE = Environment(prefix=Path(sys.prefix))
pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def test_without_a_gpu_each_says_so() -> None:
    problem = "torch sees no CUDA device"
    numerics = HERE.observe(KernelNumerics)
    assert (numerics.device, numerics.errors, numerics.problem) == (None, (), problem)
    path = HERE.observe(KernelPath, variables={"SEIZURE_MAMBA_FORCE_FALLBACK": "1", "TRITON_INTERPRET": "0"})
    assert (path.device, path.problem, path.switches) == (None, problem, {"SEIZURE_MAMBA_FORCE_FALLBACK": "1"})
    speed = HERE.observe(KernelSpeed)
    assert (speed.device, speed.problem) == (None, problem)


def test_an_operator_that_is_not_installed_ends_the_measurement_with_its_name() -> None:
    seen = HERE.observe(KernelNumerics, device="cpu", steps=8, layer={"d_model": 16, "headdim": 8, "d_state": 4})
    assert seen.device == "cpu"
    assert (seen.problem or "").startswith("causal_conv1d_fn, batch 1, 8 steps")
    assert "ModuleNotFoundError" in (seen.problem or "")
