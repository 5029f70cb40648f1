"""Which card runs which code: the table of what users rent against three ways to compile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.kernel_architectures import check
from envcheck.core import Finding, Verdict
from envcheck.expectations import ExpectedGpu
from tests.envcheck.sightings import CONV_BINARY, CONV_FILE, DRIVER, KERNEL_BINARIES, context

OURS = ("sm_80", "sm_90")
RELEASE = ("sm_53", "sm_62", "sm_70", "sm_72", "sm_80", "sm_87", "sm_90")


def judge(names: tuple[str, ...], code: tuple[str, ...], ptx: tuple[str, ...] = ()) -> Finding:
    binary = replace(CONV_BINARY, machine_code=code, intermediate_code=ptx)
    facts = replace(KERNEL_BINARIES, binaries=(binary,))
    return check(context(facts, expect=(ExpectedGpu(names=names),)))


@pytest.mark.parametrize(
    ("gpu", "release", "ours"),
    [
        ("Tesla P100-PCIE-16GB", False, False),
        ("Tesla P40", False, False),
        ("Tesla V100-SXM2-16GB", True, False),
        ("Tesla T4", True, False),
        ("NVIDIA A100-SXM4-80GB", True, True),
        ("NVIDIA A10", True, True),
        ("NVIDIA L40S", True, True),
        ("NVIDIA H100 80GB HBM3", True, True),
        ("NVIDIA B200", False, False),
        ("NVIDIA GeForce RTX 5090", False, False),
    ],
)
def test_a_card_is_served_or_not_as_its_name_tells(gpu: str, release: bool, ours: bool) -> None:
    assert (judge((gpu,), RELEASE).verdict is Verdict.PASS) is release
    assert (judge((gpu,), OURS).verdict is Verdict.PASS) is ours


def test_the_message_names_the_card_its_capability_and_what_there_is() -> None:
    finding = judge(("Tesla T4",), OURS)
    assert finding.summary == (f"{CONV_FILE} on Tesla T4 has no code for capability 7.5, only sm_80, sm_90")
    assert finding.remedy == "bgb kernels build --install --arch 7.5"


def test_ptx_serves_what_is_newer() -> None:
    assert judge(("NVIDIA B200",), OURS, ("compute_90",)).verdict is Verdict.PASS


def test_every_card_that_the_policy_accepts_must_be_served() -> None:
    assert judge(("NVIDIA A100-SXM4-80GB", "Tesla T4"), OURS).verdict is Verdict.FAIL


def test_a_file_without_device_code_serves_none() -> None:
    assert judge(("NVIDIA A100-SXM4-80GB",), ()).summary.endswith("only no code for any GPU")


def test_a_name_that_nobody_knows_is_unknown_with_the_nearest() -> None:
    finding = judge(("NVIDIA A100-SXM4-80G",), OURS)
    assert finding.verdict is Verdict.UNKNOWN
    assert "NVIDIA A100-SXM4-80GB" in finding.summary


def test_without_a_name_the_devices_that_are_here_count() -> None:
    any_gpu = ExpectedGpu()
    assert check(context(KERNEL_BINARIES, DRIVER, expect=(any_gpu,))).verdict is Verdict.PASS
    assert check(context(KERNEL_BINARIES, expect=(any_gpu,))).verdict is Verdict.UNKNOWN
