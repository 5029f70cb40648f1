from __future__ import annotations

from envcheck.checks.kernel_load import check
from envcheck.core import Verdict
from envcheck.facts.kernel_load import KernelLoad, Rung
from tests.envcheck.sightings import KERNEL_LOAD, PYTHON, context, packages


def test_every_rung_that_loads_passes() -> None:
    assert check(context(KERNEL_LOAD)).verdict is Verdict.PASS


def test_an_error_that_nobody_knows_is_told_as_it_is_and_the_package_installed_again() -> None:
    load = KernelLoad(rungs=(Rung(name="einops", tried=True, error="ValueError: never seen"), *KERNEL_LOAD.rungs[4:]))
    finding = check(context(PYTHON, packages(), load))
    assert finding.summary == "einops fails: ValueError: never seen"
    assert "--reinstall-package einops" in finding.remedy


def test_a_rung_that_was_left_out_is_not_taken_for_one_that_loads() -> None:
    load = KernelLoad(rungs=(*KERNEL_LOAD.rungs[:-1], Rung(name="cpu_probe", tried=False)))
    assert check(context(load)).verdict is Verdict.UNKNOWN
