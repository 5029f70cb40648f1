from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.kernel_symbols import check
from envcheck.core import Finding, Verdict
from tests.envcheck.sightings import CONV_BINARY, KERNEL_BINARIES, SCAN_BINARY, TORCH, context


def judge(**changes: object) -> Finding:
    conv = replace(CONV_BINARY, **changes)  # type: ignore[arg-type]
    return check(context(TORCH, replace(KERNEL_BINARIES, binaries=(conv, SCAN_BINARY))))


def test_extensions_whose_names_are_all_there_pass() -> None:
    assert judge().summary == "114 names of torch and CUDA found for 2 extensions"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"missing": ("_ZN3c104cuda9SetDeviceEa",), "missing_count": 21, "built_for": "torch 2.3 to 2.7"},
            "needs 21 names that torch 2.2.2+cu121 does not have, compiled for torch 2.3 to 2.7, as "
            "_ZN3c104cuda9SetDeviceEa, expected all of them",
        ),
        ({"cxx11_abi": True}, "is compiled with _GLIBCXX_USE_CXX11_ABI=1, expected 0 as torch 2.2.2+cu121"),
        ({"error": "Magic number does not match"}, "is no shared library (Magic number does not match)"),
        ({"importable": False}, "has a suffix that this Python does not import"),
        ({"needed": ("libcudart.so.11.0",)}, "needs libcudart.so.11.0, expected libcudart.so.12 as torch"),
    ],
)
def test_what_would_not_load_fails(changes: dict[str, object], said: str) -> None:
    finding = judge(**changes)
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary
    assert finding.remedy == "bgb kernels build --install"


def test_a_package_without_any_extension_fails() -> None:
    finding = check(context(TORCH, replace(KERNEL_BINARIES, binaries=(SCAN_BINARY,))))
    assert (finding.verdict, finding.summary) == (
        Verdict.FAIL,
        "causal-conv1d has no compiled extension, expected one",
    )


def test_without_torch_there_is_nothing_to_fit() -> None:
    finding = check(context(replace(TORCH, version=None), replace(KERNEL_BINARIES, libraries=())))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "torch has no libraries here to compare the kernels with"
