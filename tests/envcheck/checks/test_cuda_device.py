from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.cuda_device import check
from envcheck.core import Verdict
from envcheck.expectations import ExpectedGpu
from envcheck.facts.torch_runtime import TorchDevice, TorchRuntime
from tests.envcheck.sightings import A100, GIB, PYTHON, RUNTIME, context, packages

ANY_GPU = ExpectedGpu()


def test_the_gpu_that_was_asked_for_passes() -> None:
    assert check(context(RUNTIME)).summary == "NVIDIA A100-SXM4-80GB with 80 GiB"


@pytest.mark.parametrize(
    ("device", "summary"),
    [
        (
            replace(A100, name="NVIDIA A100-SXM4-40GB", memory_bytes=40 * GIB),
            "the GPU is NVIDIA A100-SXM4-40GB with 40 GiB, expected NVIDIA A100-SXM4-80GB or NVIDIA A100 80GB PCIe",
        ),
        (
            replace(A100, memory_bytes=10 * GIB),
            "the memory of NVIDIA A100-SXM4-80GB is 10.0 GiB, expected 79 GiB",
        ),
    ],
)
def test_another_gpu_or_a_slice_of_it_fails(device: TorchDevice, summary: str) -> None:
    finding = check(context(replace(RUNTIME, devices=(device,))))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, summary)


def test_no_device_fails_with_what_torch_said() -> None:
    said = "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040)."
    finding = check(context(PYTHON, replace(RUNTIME, devices=(), cuda_warnings=(said,))))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"torch sees 0 of 1 devices: {said}")


@pytest.mark.parametrize(
    ("capability", "architectures", "verdict"),
    [
        ("8.0", ("sm_80",), Verdict.PASS),
        ("8.9", ("sm_80",), Verdict.PASS),
        ("8.0", ("sm_86",), Verdict.FAIL),
        ("9.0", ("sm_80",), Verdict.FAIL),
        ("9.0", ("sm_80", "compute_80"), Verdict.PASS),
        ("7.0", ("compute_80",), Verdict.FAIL),
        ("10.0", ("sm_50", "sm_90"), Verdict.FAIL),
        ("12.0", ("sm_120",), Verdict.PASS),
        ("9.0", ("sm_90a",), Verdict.PASS),
        ("8.0", (), Verdict.FAIL),
        ("8.0", ("gfx90a",), Verdict.FAIL),
    ],
)
def test_a_card_needs_code_of_its_own_major_version_or_code_to_compile(
    capability: str, architectures: tuple[str, ...], verdict: Verdict
) -> None:
    seen = replace(RUNTIME, devices=(replace(A100, capability=capability),), architectures=architectures)
    assert check(context(seen, expect=(ANY_GPU,))).verdict is verdict


def test_a_torch_that_does_not_import_leaves_the_device_unknown() -> None:
    assert check(context(PYTHON, packages(), TorchRuntime(error="ImportError: no"))).verdict is Verdict.UNKNOWN
