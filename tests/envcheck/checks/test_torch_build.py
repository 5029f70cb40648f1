from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.torch_build import check
from envcheck.core import Verdict
from envcheck.expectations import ExpectedTorch
from envcheck.facts.torch_build import TorchBuild
from tests.envcheck.sightings import PYTHON, TORCH, context, packages


@pytest.mark.parametrize("metadata", ["2.2.2", "2.2.2+cu121", "9.9.9", None])
def test_the_build_passes_whatever_the_metadata_calls_it(metadata: str | None) -> None:
    finding = check(context(replace(TORCH, metadata_version=metadata)))
    assert (finding.verdict, finding.summary) == (Verdict.PASS, "torch 2.2.2+cu121 for CUDA 12.1")


@pytest.mark.parametrize(
    ("found", "summary"),
    [
        (replace(TORCH, version="2.8.0+cu128", cuda="12.8"), "torch is 2.8.0+cu128, expected 2.2.2+cu121"),
        (replace(TORCH, version="2.2.2+cpu", cuda=None), "torch is 2.2.2+cpu, expected 2.2.2+cu121"),
        (replace(TORCH, version="2.2.2", cuda="12.1"), "torch is 2.2.2, expected 2.2.2+cu121"),
        (replace(TORCH, cuda=None), "its CUDA is none, expected 12.1"),
        (replace(TORCH, cuda="11.8"), "its CUDA is 11.8, expected 12.1"),
        (replace(TORCH, cuda_library=False), "libtorch_cuda.so is missing, expected in torch/lib"),
        (TorchBuild(installed=False), "torch is not installed, expected 2.2.2+cu121"),
        (
            TorchBuild(installed=True, problem="version.py cannot be read: SyntaxError"),
            "torch is of no known version: version.py cannot be read: SyntaxError, expected 2.2.2+cu121",
        ),
    ],
)
def test_another_build_fails_with_its_cause_first(found: TorchBuild, summary: str) -> None:
    finding = check(context(PYTHON, packages(), found))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, summary)
    assert "--reinstall-package torch " in finding.remedy


def test_commit_and_string_type_are_compared_where_they_are_stated() -> None:
    expected = ExpectedTorch(version="2.2.2+cu121", cuda="12.1", git_version="0" * 40, cxx11_abi=True)
    finding = check(context(PYTHON, packages(), TORCH, expect=(expected,)))
    assert [item.subject for item in finding.evidence[:2]] == ["its commit", "its C++11 ABI"]
    assert finding.verdict is Verdict.FAIL


def test_a_string_type_that_was_not_recognised_does_not_pass_for_the_expected_one() -> None:
    expected = ExpectedTorch(version="2.2.2+cu121", cuda="12.1", cxx11_abi=False)
    assert check(context(TORCH, expect=(expected,))).verdict is Verdict.PASS
    assert check(context(replace(TORCH, cxx11_abi=None), expect=(expected,))).verdict is Verdict.FAIL
