from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.glibc_floor import check
from envcheck.core import Verdict
from envcheck.expectations import ExpectedMachine
from tests.envcheck.sightings import MACHINE, context


@pytest.mark.parametrize("found", ["2.32", "2.36", "2.100", "3.0"])
def test_the_floor_and_everything_above_it_passes(found: str) -> None:
    assert check(context(replace(MACHINE, glibc=found))).verdict is Verdict.PASS


@pytest.mark.parametrize("found", ["2.31", "2.4", None])
def test_an_older_or_another_c_library_fails(found: str | None) -> None:
    finding = check(context(replace(MACHINE, glibc=found)))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"glibc is {found or 'another C library'}, expected 2.32 or newer"
    assert finding.remedy == "docker run ubuntu:22.04"


def test_a_policy_without_a_floor_says_so() -> None:
    finding = check(context(MACHINE, expect=(ExpectedMachine(),)))
    assert finding.verdict is Verdict.UNKNOWN
    assert "[expect.machine]" in finding.remedy
