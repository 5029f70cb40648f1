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
