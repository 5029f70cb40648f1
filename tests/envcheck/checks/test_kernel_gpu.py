"""Numbers, path and speed as a GPU would tell them, each with one thing wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks import kernel_numerics, kernel_path, kernel_speed
from envcheck.core import Finding, Verdict
from envcheck.expectations import ExpectedNumerics
from tests.envcheck.sightings import NUMERICS, PATH, SPEED, context


def numbers(**changes: object) -> Finding:
    """With the last of the tensors changed."""
    last = replace(NUMERICS.errors[-1], **changes)  # type: ignore[arg-type]
    return kernel_numerics.check(context(replace(NUMERICS, errors=(*NUMERICS.errors[:-1], last))))


def test_errors_within_tolerance_pass_and_the_worst_of_each_type_are_evidence() -> None:
    finding = numbers()
    assert finding.verdict is Verdict.PASS
    assert [item.found for item in finding.evidence] == ["0.0003", "0.0008", "0.006"]


def test_one_gradient_too_far_fails_with_both_numbers() -> None:
    finding = numbers(relative_error=0.31)
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == (
        "Mamba2 in bfloat16: the relative error of dx is 0.31, expected at most 0.05 (batch 1, 960 steps)"
    )


def test_a_number_that_is_none_fails_whatever_its_error_says() -> None:
    assert "the relative error of dx is not finite" in numbers(finite=False, relative_error=0.0).summary


def test_a_policy_may_be_stricter() -> None:
    strict = ExpectedNumerics(relative_error={"bfloat16": 1e-3})
    assert kernel_numerics.check(context(NUMERICS, expect=(strict,))).verdict is Verdict.FAIL


def test_an_operator_that_was_not_measured_is_unknown() -> None:
    some = tuple(error for error in NUMERICS.errors if error.operator != "selective_scan_fn")
    finding = kernel_numerics.check(context(replace(NUMERICS, errors=some)))
    assert (finding.verdict, finding.summary) == (Verdict.UNKNOWN, "selective_scan_fn was not measured in float32")


def test_without_a_gpu_nothing_is_known_and_an_operator_that_breaks_fails() -> None:
    absent = replace(NUMERICS, device=None, errors=(), problem="torch sees no CUDA device")
    assert kernel_numerics.check(context(absent)).verdict is Verdict.UNKNOWN
    broken = replace(NUMERICS, problem="Mamba2, batch 1, torch.float32: RuntimeError: CUDA error")
    assert kernel_numerics.check(context(broken)).verdict is Verdict.FAIL


def test_the_fused_path_is_known_by_its_kernels() -> None:
    assert kernel_path.check(context(PATH)).verdict is Verdict.PASS


@pytest.mark.parametrize("gone", ["causal_conv1d_channellast_bwd", "_chunk_scan_fwd", "_state_passing_bwd"])
def test_a_kernel_that_was_not_launched_means_another_path(gone: str) -> None:
    kernels = tuple(name for name in PATH.kernels if gone not in name)
    finding = kernel_path.check(context(replace(PATH, kernels=kernels)))
    assert finding.verdict is Verdict.FAIL
    assert "another path ran" in finding.summary


def test_a_profiler_that_saw_nothing_tells_of_no_path() -> None:
    """A driver may keep it to administrators; that is no fallback."""
    finding = kernel_path.check(context(replace(PATH, kernels=())))
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.remedy == "grep RmProfilingAdminOnly /proc/driver/nvidia/params"


@pytest.mark.parametrize("switch", ["SEIZURE_MAMBA_FORCE_FALLBACK", "TRITON_INTERPRET", "CUDA_LAUNCH_BLOCKING"])
def test_a_switch_is_told_before_anything_else(switch: str) -> None:
    finding = kernel_path.check(context(replace(PATH, device=None, kernels=(), switches={switch: "1"})))
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, f"unset {switch}")


def speed(**changes: object) -> Finding:
    return kernel_speed.check(context(replace(SPEED, **changes)))  # type: ignore[arg-type]


def test_times_near_the_floor_pass() -> None:
    assert speed().verdict is Verdict.PASS


def test_the_floor_is_what_bytes_cost_on_the_card() -> None:
    """64 x 960 steps of 2,096 values of two bytes and the states of 256 chunks twice, at 2,039 GB/s, 3.5 times."""
    moved = 64 * 960 * 2096 * 2 + 2 * 4 * 64 * 4 * 16 * 64 * 16
    assert kernel_speed.scan_floor(SPEED) == pytest.approx(3.5 * moved / 2039e9)


def test_ten_times_too_slow_is_refused_with_the_numbers() -> None:
    finding = speed(scan_seconds=20e-3)
    assert finding.verdict is Verdict.FAIL
    assert "the scan: 20 ms" in finding.summary
    assert "expected at most 10 times" in finding.summary


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mixed_seconds": 60e-3}, "a training step in mixed precision: 60 ms, 12.5 times"),
        ({"float32_seconds": 800e-3}, "a training step in float32: 800 ms, 12.8 times"),
    ],
)
def test_a_training_step_far_from_the_floor_is_refused(changes: dict[str, float], said: str) -> None:
    finding = speed(**changes)
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary


def test_the_floor_of_a_step_is_three_projections_the_scan_and_adam_for_each_layer() -> None:
    """2 x 512 x (2,096 + 1,024) operations a step, 1.6 million parameters moved 7 times; A100: 312 and 19.5 TFLOP/s."""
    projections = 3 * 64 * 960 * 2 * 512 * (2096 + 1024)
    adam = 7 * 4 * (512 * (2096 + 1024) + 1056 * 5 + 3 * 16 + 1024) / 2039e9
    mixed = 2 * (projections / 312e12 + kernel_speed.scan_floor(SPEED) + adam)
    exact = 2 * (projections / 19.5e12 + kernel_speed.scan_floor(SPEED, 4) + adam)
    assert kernel_speed.step_floor(SPEED, mixed=True) == pytest.approx(mixed)
    assert kernel_speed.step_floor(SPEED, mixed=False) == pytest.approx(exact)
    assert kernel_speed.step_floor(replace(SPEED, layers=6), mixed=True) == pytest.approx(3 * mixed)


def test_mixed_precision_that_is_no_faster_is_refused() -> None:
    finding = speed(mixed_seconds=45e-3, float32_seconds=50e-3)
    assert finding.verdict is Verdict.FAIL
    assert "float32 over mixed: 1.11" in finding.summary


def test_a_card_without_known_rates_and_no_card_are_unknown() -> None:
    assert speed(device="NVIDIA Future").verdict is Verdict.UNKNOWN
    assert speed(device=None, problem="torch sees no CUDA device").verdict is Verdict.UNKNOWN
