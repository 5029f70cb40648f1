"""One report of each colour: everything passed, and one of everything that can happen to a check."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from envcheck.core import Decision, Evidence, Finding, Judged, Report, Standing
from envcheck.gate import decide
from envcheck.policy import Policy, Waiver
from tests.envcheck.toy_suite import report_of

TODAY = date(2025, 6, 1)

PASSED = Judged(check="python_version", finding=Finding.passed("Python 3.11.9, as expected"), seconds=0.04)
FAILED = Judged(
    check="torch_build",
    finding=Finding.failed(
        "torch is built for the CPU",
        Evidence(subject="torch/version.py", found="2.8.0+cpu", expected="2.2.2+cu121"),
        remedy="pip install -r constraints.txt",
    ),
    seconds=2.3,
    reads=("torch_build", "expect.torch"),
)
UNKNOWN = Judged(
    check="driver",
    finding=Finding.unknown("could not check: cuda_driver: killed by SIGSEGV", remedy="envcheck observe cuda_driver"),
    seconds=20.0,
)
WARNED = Judged(
    check="unlisted",
    finding=Finding.failed(
        "11 packages are not in the lock",
        *(Evidence(subject=f"package{number}", found="1.0") for number in range(11)),
        remedy="pip uninstall package0",
    ),
    seconds=0.6,
)
WAIVED = Judged(check="disk", finding=Finding.failed("12 GiB are free", remedy="free some"), seconds=0.01)

CLOSED = {
    "python_version": Standing.PASSED,
    "torch_build": Standing.FAILED,
    "driver": Standing.UNKNOWN,
    "unlisted": Standing.WARNED,
    "disk": Standing.WAIVED,
    "kernels": Standing.ABSENT,
}
"""What `closed` has, by name."""


def closed() -> tuple[Report, Decision]:
    """One check of every standing."""
    report = replace(
        report_of({}),
        results=(PASSED, FAILED, UNKNOWN, WARNED, WAIVED),
        not_checked=("kernels: runs from tier deep", "the weather"),
        observe_seconds=20.0,
    )
    policy = Policy(
        name="train",
        required=("python_version", "torch_build", "driver", "disk", "kernels"),
        waivers=(Waiver(check="disk", reason="a disk comes on Monday", owner="ana", expires=TODAY),),
    )
    return report, decide(report, policy, today=TODAY)


def opened() -> tuple[Report, Decision]:
    """One check, and it passed."""
    report = replace(report_of({}), results=(PASSED,), not_checked=("the weather",), observe_seconds=0.04)
    return report, decide(report, Policy(name="train", required=("python_version",)), today=TODAY)


def part() -> tuple[Report, Decision]:
    """One check of two, chosen by --only."""
    report = replace(report_of({}, partial=True), results=(PASSED,), not_checked=("torch_build: left out of this run",))
    return report, decide(report, Policy(name="train", required=("python_version", "torch_build")), today=TODAY)
