from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.numpy_abi import check
from envcheck.core import Finding, Verdict
from envcheck.facts.torch_build import TorchBuild
from tests.envcheck.sightings import PYTHON, TORCH, context, packages


def judge(torch: str, numpy: str | None) -> Finding:
    installed = {"uv": "0.9", **({"numpy": numpy} if numpy else {})}
    return check(context(PYTHON, replace(TORCH, version=torch), packages(versions=installed)))


@pytest.mark.parametrize(("torch", "numpy"), [("2.2.2+cu121", "1.26.4"), ("2.3.0", "1.26.4"), ("2.10.0", "2.2.6")])
def test_numpy_of_the_right_generation_passes(torch: str, numpy: str) -> None:
    assert judge(torch, numpy).verdict is Verdict.PASS


def test_numpy_2_beside_a_torch_for_numpy_1_fails() -> None:
    finding = judge("2.2.2+cu121", "2.2.6")
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "numpy is 2.2.6, and torch 2.2.2+cu121 is compiled against numpy 1"
    assert finding.remedy == (
        "~/bgb/.venv/bin/python -m uv pip install --python ~/bgb/.venv/bin/python"
        " --reinstall-package numpy --require-hashes --no-deps -r constraints.txt"
    )


def test_no_numpy_fails_and_an_unknown_torch_is_unknown() -> None:
    assert judge("2.2.2", None).verdict is Verdict.FAIL
    assert check(context(PYTHON, TorchBuild(installed=False), packages())).verdict is Verdict.UNKNOWN
