from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.kernel_provenance import check
from envcheck.core import Finding, Verdict
from envcheck.facts.kernel_packages import KernelPackage, KernelPackages
from envcheck.facts.packages import Origin
from tests.envcheck.sightings import (
    CONV_COMMIT,
    CONV_FILE,
    CONV_PACKAGE,
    KERNEL_PACKAGES,
    MAMBA_PACKAGE,
    PYTHON,
    TORCH,
    context,
    kernel_build,
    package,
    packages,
)

BUILD = kernel_build(CONV_COMMIT, CONV_FILE)
INSTALLED = packages(package("causal-conv1d", "1.4.0"), package("mamba-ssm", "2.2.2"))


def judge(conv: KernelPackage) -> Finding:
    return check(context(PYTHON, TORCH, INSTALLED, KernelPackages(packages=(conv, MAMBA_PACKAGE))))


def test_packages_compiled_from_the_pinned_commits_pass() -> None:
    finding = check(context(PYTHON, TORCH, INSTALLED, KERNEL_PACKAGES))
    assert finding.verdict is Verdict.PASS
    assert finding.summary == "compiled from the pinned commits of causal-conv1d and mamba-ssm"


def test_another_minor_version_of_the_toolkit_is_advice() -> None:
    finding = judge(replace(CONV_PACKAGE, build=replace(BUILD, toolkit="12.4")))
    assert finding.verdict is Verdict.PASS
    assert finding.summary.endswith("; with CUDA 12.4, the pin is 12.1")


def test_a_downloaded_wheel_is_told_by_its_missing_record() -> None:
    finding = judge(replace(CONV_PACKAGE, build=None))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == (
        "causal-conv1d 1.4.0: no build record, so downloaded or built elsewhere (installed from index, wheel by "
        "setuptools (69.5.1)), expected a build record of commit f8c246707eff"
    )
    assert finding.remedy == "bgb kernels build --install"


def test_the_commit_that_an_installer_notes_is_no_proof_that_anything_was_compiled() -> None:
    url = f"https://github.com/Dao-AILab/causal-conv1d@{CONV_COMMIT}"
    installed = packages(package("causal-conv1d", "1.4.0", origin=Origin.VCS, url=url), package("mamba-ssm", "2.2.2"))
    downloaded = KernelPackages(packages=(replace(CONV_PACKAGE, build=None), MAMBA_PACKAGE))
    finding = check(context(PYTHON, TORCH, installed, downloaded))
    assert finding.verdict is Verdict.FAIL
    assert f"installed from {url}" in finding.summary


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"commit": "0" * 40}, f"causal-conv1d, commit: built with {'0' * 40}, expected {CONV_COMMIT}"),
        ({"torch": "2.3.1+cu121"}, "causal-conv1d, torch: built with 2.3.1+cu121, expected 2.2.2+cu121"),
        ({"cuda": "11.8"}, "causal-conv1d, CUDA of torch: built with 11.8, expected 12.1"),
        ({"cxx11_abi": True}, "built with _GLIBCXX_USE_CXX11_ABI=1, expected _GLIBCXX_USE_CXX11_ABI=0"),
        ({"python": "cpython-310"}, "causal-conv1d, Python: built with cpython-310, expected cpython-311"),
        ({"binaries": {CONV_FILE: "b" * 64}}, "SHA-256 aaaaaaaaaaaa, expected bbbbbbbbbbbb as it was built"),
        ({"binaries": {}}, "a binary, expected none"),
        ({"binaries": {CONV_FILE: "a" * 64, "gone.so": "c" * 64}}, "gone.so: gone, expected cccccccccccc"),
    ],
)
def test_a_record_that_does_not_fit_what_is_here_fails(changes: dict[str, object], said: str) -> None:
    finding = judge(replace(CONV_PACKAGE, build=replace(BUILD, **changes)))  # type: ignore[arg-type]
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary


def test_a_package_that_is_not_installed_fails() -> None:
    finding = judge(KernelPackage(name="causal-conv1d", version=None))
    assert finding.summary == "causal-conv1d: not installed, expected compiled from commit f8c246707eff"
    assert finding.verdict is Verdict.FAIL
