from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.python_version import check
from envcheck.core import Verdict
from envcheck.expectations import ExpectedPython
from tests.envcheck.sightings import PYTHON, context


@pytest.mark.parametrize("expected", ["3", "3.11", "3.11.9"])
def test_a_version_passes_as_far_as_it_is_stated(expected: str) -> None:
    assert check(context(PYTHON, expect=(ExpectedPython(version=expected),))).verdict is Verdict.PASS


@pytest.mark.parametrize("found", ["3.12.1", "3.1.1", "3.110.0"])
def test_another_version_fails_and_a_longer_number_is_another_version(found: str) -> None:
    finding = check(context(replace(PYTHON, version=found)))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"this is cpython {found}, expected cpython 3.11"


def test_another_implementation_fails() -> None:
    assert check(context(replace(PYTHON, implementation="pypy"))).verdict is Verdict.FAIL


def test_the_remedy_makes_this_environment_anew() -> None:
    assert check(context(replace(PYTHON, version="3.13.0"))).remedy == (
        "python3.11 -m venv --clear ~/bgb/.venv"
        " && ~/bgb/.venv/bin/python -m pip install --require-hashes --no-deps -r constraints.txt"
    )
