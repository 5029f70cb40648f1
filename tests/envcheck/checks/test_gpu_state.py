from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.gpu_state import check
from envcheck.core import Finding, Verdict
from envcheck.facts.gpu_state import GpuProcess
from tests.envcheck.sightings import CARD, GPU_STATE, context


def judge(**changes: object) -> Finding:
    return check(context(replace(GPU_STATE, cards=(replace(CARD, **changes),))))  # type: ignore[arg-type]


def test_a_card_that_is_whole_and_idle_passes() -> None:
    assert judge().summary == "NVIDIA A100-SXM4-80GB, 81920 MiB, idle"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"name": "NVIDIA A100-SXM4-40GB", "memory_mib": 40960},
            "GPU 0 is NVIDIA A100-SXM4-40GB, expected NVIDIA A100",
        ),
        ({"memory_mib": 20096}, "the memory of NVIDIA A100-SXM4-80GB is 19.6 GiB, expected 79 GiB"),
        ({"mig": True}, "MIG on NVIDIA A100-SXM4-80GB is enabled, expected disabled"),
        ({"uncorrected_errors": 3}, "uncorrected memory errors of NVIDIA A100-SXM4-80GB is 3, expected 0"),
        ({"compute_mode": "Prohibited"}, "the compute mode of NVIDIA A100-SXM4-80GB is Prohibited, expected Default"),
    ],
)
def test_another_card_a_slice_or_a_broken_one_fails(changes: dict[str, object], said: str) -> None:
    finding = judge(**changes)
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary
    assert finding.remedy


def test_a_busy_card_is_unknown_with_the_holder_named() -> None:
    process = GpuProcess(pid=4711, name="python3", memory_mib=30000)
    finding = check(context(replace(GPU_STATE, processes=(process,))))
    assert finding.verdict is Verdict.UNKNOWN
    assert finding.summary == "the GPU is busy: process 4711 (python3) is on it with 30000 MiB"


@pytest.mark.parametrize(
    ("used", "said"), [(30000, "30000 MiB of the memory"), (None, "an unknown part of the memory")]
)
def test_memory_that_nobody_listed_holds_is_no_idle_card(used: int | None, said: str) -> None:
    """In a container the processes of other containers are not listed."""
    finding = judge(used_mib=used)
    assert finding.verdict is Verdict.UNKNOWN
    assert said in finding.summary
    assert "expected at most 256 MiB" in finding.summary
    assert finding.remedy


def test_what_the_driver_keeps_for_itself_is_idle() -> None:
    assert judge(used_mib=14).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUDA_LAUNCH_BLOCKING", "1"),
        ("TRITON_INTERPRET", "1"),
        ("TRITON_DEBUG", "1"),
        ("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1"),
        ("NVIDIA_TF32_OVERRIDE", "0"),
        ("PYTORCH_NO_CUDA_MEMORY_CACHING", "0"),
    ],
)
def test_a_switch_that_is_left_on_fails(name: str, value: str) -> None:
    finding = check(context(replace(GPU_STATE, switches={name: value})))
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, f"unset {name}")
    assert finding.summary == f"{name} is {value}, expected not set"


@pytest.mark.parametrize("name", ["CUDA_LAUNCH_BLOCKING", "TRITON_INTERPRET", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"])
def test_a_switch_that_is_set_to_off_is_off(name: str) -> None:
    assert check(context(replace(GPU_STATE, switches={name: "0"}))).verdict is Verdict.PASS


def test_a_variable_that_changes_the_arithmetic_fails_and_one_of_the_allocator_is_shown() -> None:
    finding = check(context(replace(GPU_STATE, switches={"NVIDIA_TF32_OVERRIDE": "0"})))
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "unset NVIDIA_TF32_OVERRIDE")
    allocator = replace(GPU_STATE, switches={"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"})
    finding = check(context(allocator))
    assert finding.verdict is Verdict.PASS
    assert finding.evidence[-1].found == "expandable_segments:True"


def test_a_card_that_was_not_asked_is_unknown() -> None:
    finding = check(context(replace(GPU_STATE, cards=(), problem="nvidia-smi is not on PATH")))
    assert finding.verdict is Verdict.UNKNOWN
