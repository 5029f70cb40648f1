from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.kernel_load import check
from envcheck.core import Finding, Verdict
from envcheck.facts.kernel_load import KernelLoad, Rung
from tests.envcheck.sightings import KERNEL_LOAD, LOCK, PYTHON, context, packages


def test_every_rung_that_loads_passes() -> None:
    assert check(context(KERNEL_LOAD)).verdict is Verdict.PASS


def test_an_error_that_nobody_knows_is_told_as_it_is_and_the_package_installed_again() -> None:
    load = KernelLoad(rungs=(Rung(name="einops", tried=True, error="ValueError: never seen"), *KERNEL_LOAD.rungs[4:]))
    finding = check(context(PYTHON, packages(), load))
    assert finding.summary == "einops does not load: ValueError: never seen"
    assert "--reinstall-package einops" in finding.remedy


def test_a_rung_that_was_left_out_is_not_taken_for_one_that_loads() -> None:
    load = KernelLoad(rungs=(*KERNEL_LOAD.rungs[:-1], Rung(name="cpu_probe", tried=False)))
    assert check(context(load)).verdict is Verdict.UNKNOWN
    assert check(context(KernelLoad(rungs=()))).verdict is Verdict.UNKNOWN


def broken(name: str, error: str, **changes: object) -> Finding:
    rung = replace(Rung(name=name, tried=True, error=error), **changes)  # type: ignore[arg-type]
    return check(context(PYTHON, packages(), KernelLoad(rungs=(rung,))))


def test_transformers_is_installed_by_its_pin_because_the_lock_has_it_under_an_extra() -> None:
    error = "ImportError: cannot import name 'TextStreamer' from 'transformers.generation'"
    remedy = "uv pip install --python ~/bgb/.venv/bin/python --reinstall-package transformers"
    assert broken("transformers", error).remedy == f"{remedy} 'transformers>=4.36,<5'"
    assert broken("transformers", "ValueError: never seen").remedy == f"{remedy} 'transformers>=4.36,<5'"
    lock = replace(LOCK, optional={"transformers": "4.57.6"})
    rung = Rung(name="transformers", tried=True, error=error)
    finding = check(context(PYTHON, packages(), KernelLoad(rungs=(rung,)), expect=(lock,)))
    assert finding.remedy == f"{remedy} transformers==4.57.6"


@pytest.mark.parametrize(
    ("name", "error", "remedy"),
    [
        ("mamba_ssm", "ModuleNotFoundError: No module named 'packaging'", "--reinstall-package packaging"),
        ("triton", "ModuleNotFoundError: No module named 'setuptools'", "--reinstall-package setuptools"),
        ("torch", "the process was killed by SIGSEGV", "--reinstall-package torch"),
        ("mamba_ssm", "ValueError: never seen", "bgb kernels build --install"),
        ("numpy", "RuntimeError: Could not infer dtype of numpy.float32", "--reinstall-package numpy"),
    ],
)
def test_the_remedy_is_for_what_is_broken_not_for_where_it_showed(name: str, error: str, remedy: str) -> None:
    assert remedy in broken(name, error).remedy


def test_a_warning_with_a_known_meaning_explains_an_error_that_has_none() -> None:
    note = "UserWarning: Failed to initialize NumPy: _ARRAY_API not found"
    finding = broken("numpy", "SystemError: never seen", notes=(note,))
    assert finding.summary.startswith("torch and numpy do not exchange arrays: numpy 2 is installed")
    assert note in finding.evidence[0].found


def test_what_loads_by_itself_is_said_to() -> None:
    finding = broken("triton", "ImportError: never seen", loads_alone=True)
    assert finding.summary == ("triton does not load: ImportError: never seen, though in a process of its own it loads")
