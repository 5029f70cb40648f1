"""Which suite a run is judged by, what the facts about kernels are asked for, and the command that asks only them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bgb.config import load_config
from bgb.preflight.kernels import Target, kernel_requests, layer_of, target_of
from bgb.preflight.prove_kernels import BUILDING, suite_of, with_compiled_kernels
from bgb.preflight.suites import SUITES, VOCABULARY, suite_for, suite_name
from envcheck.core import Expectations, Tier
from envcheck.expectations import ExpectedGpu
from envcheck.facts.kernel_numerics import KernelNumerics
from envcheck.facts.triton_compile import TritonCompile
from envcheck.policy import Policy, load_policy
from tests.bgb.test_plan import config_with

ROOT = Path(__file__).resolve().parents[3]
RENTED = ROOT / "configs" / "modal" / "train.yaml"
A100 = Target(capability="8.0", multiprocessors=108)


@pytest.mark.parametrize(
    ("kernel", "device", "suite"),
    [
        ("reference", "cpu", "train"),
        ("cuda", "cpu", "train"),
        ("reference", "cuda", "train-gpu"),
        ("conv1d", "cuda", "train-gpu"),
        ("cuda", "cuda", "train-kernels"),
    ],
)
def test_a_run_on_compiled_kernels_has_a_suite_of_its_own(kernel: str, device: str, suite: str) -> None:
    config = config_with(model={"mamba": {"kernel": kernel}}, train={"device": device})
    assert suite_name(config, "train") == suite
    assert suite_name(config, "cache") == "cache"


def test_every_check_of_that_suite_is_required_by_the_shipped_policies_and_its_facts_are_asked_for() -> None:
    config = load_config(RENTED)
    suite = suite_for(config, "train", salt="0", gpu=A100)
    assert suite.name == "train-kernels"
    assert len({request.fact for request in suite.requests}) == len(suite.requests)
    for path in sorted((ROOT / "configs" / "policies").glob("*.toml")):
        required = load_policy(path, VOCABULARY, suite="train-kernels").required
        assert set(required) == set(SUITES["train-kernels"]), path


def test_the_facts_are_asked_for_the_layers_of_the_run_on_the_gpu_of_the_policy() -> None:
    config = load_config(RENTED)
    policy = load_policy(config.preflight.policy, VOCABULARY, suite="train-kernels")
    assert target_of(policy) == A100
    asked = {request.fact: request.parameters for request in kernel_requests(config, A100)}
    assert asked[KernelNumerics]["steps"] == 60 * 256 // 16
    assert asked[KernelNumerics]["batch"] == 128
    assert (asked[TritonCompile]["capability"], asked[TritonCompile]["processors"]) == ("8.0", 108)


def test_a_width_that_is_coerced_is_coerced_here_too() -> None:
    config = config_with(model={"mamba": {"kernel": "cuda", "d_conv": 5}})
    assert layer_of(config).d_conv == 4


def test_a_policy_that_names_no_gpu_is_for_the_one_that_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "")
    nothing = Policy(name="none", required=(), expect=Expectations.of(ExpectedGpu()))
    if not Path("/proc/driver/nvidia").exists():
        assert target_of(nothing) is None


def test_the_suite_of_the_command_leaves_out_without_a_gpu_what_needs_one() -> None:
    config = with_compiled_kernels(load_config(ROOT / "configs" / "local" / "smoke.yaml"))
    policy = load_policy(config.preflight.policy, VOCABULARY, suite="train-kernels")
    whole, image = (suite_of(config, policy, without_gpu=flag) for flag in (False, True))
    assert set(whole.checks) - set(image.checks) >= {"kernel_numerics", "kernel_path", "kernel_speed", "gpu_state"}
    assert {"kernel_provenance", "kernel_load", "triton_compile", "model_shapes"} <= set(image.checks)
    assert {"cuda_toolkit", "host_compiler", "build_tools", "build_memory"} == BUILDING


def test_where_no_kernels_are_installed_the_command_says_so_and_how_to_get_them() -> None:
    command = ["test-mamba", str(RENTED), "--without-gpu", "--tier", "quick", "--json"]
    ended = subprocess.run([sys.executable, "-m", "bgb", *command], capture_output=True, text=True, cwd=ROOT)
    report = json.loads(ended.stdout)
    checks = {item["name"]: item for item in report["checks"]}
    if checks["kernel_provenance"]["verdict"] == "pass":
        pytest.skip("kernels are installed in this environment")
    assert ended.returncode == 1
    assert checks["kernel_provenance"]["remedy"] == "bgb kernels build --install"
    assert checks["model_shapes"]["verdict"] == "pass"
    assert report["tier"] == Tier.QUICK
