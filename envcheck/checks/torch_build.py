"""The installed torch is the very build that the policy names.

A mirror replaced torch 2.2.2+cu121 by 2.8.0, others serve a build without CUDA, and all of them install without a
word. The metadata cannot tell: the wheel on PyPI calls itself 2.2.2 there and 2.2.2+cu121 in `torch/version.py`.
Extensions compiled for another build load late, or crash.

How to fix: install torch from the lock, by hash.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedTorch
from envcheck.facts.torch_build import TorchBuild
from envcheck.remedies import reinstall


def check(context: Context) -> Finding:
    """Compare `version.py`, never the metadata, with the policy; then ask whether the libraries bear it out."""
    found, expected = context.facts[TorchBuild], context.expect[ExpectedTorch]
    wrong = tuple(_differences(found, expected))
    about = (
        Evidence(subject="metadata", found=found.metadata_version or "none"),
        Evidence(subject="built from", found=found.git_version or "not stated"),
    )
    if not wrong:
        return Finding.passed(f"torch {found.version} for CUDA {found.cuda}", *about)
    first = wrong[0]
    return Finding.failed(
        f"{first.subject} is {first.found}, expected {first.expected}",
        *wrong,
        *about,
        remedy=reinstall(context, "torch"),
    )


def _differences(found: TorchBuild, expected: ExpectedTorch) -> Iterator[Evidence]:
    """What is wrong, the cause before what follows from it."""
    if not found.installed:
        yield Evidence(subject="torch", found="not installed", expected=expected.version)
        return
    if found.problem:
        yield Evidence(subject="torch", found=f"of no known version: {found.problem}", expected=expected.version)
        return
    if found.version != expected.version:
        yield Evidence(subject="torch", found=str(found.version), expected=expected.version)
    if found.cuda != expected.cuda:
        yield Evidence(subject="its CUDA", found=found.cuda or "none", expected=expected.cuda)
    if not found.cuda_library:
        yield Evidence(subject="libtorch_cuda.so", found="missing", expected="in torch/lib")
    if expected.git_version is not None and found.git_version != expected.git_version:
        yield Evidence(subject="its commit", found=found.git_version or "not stated", expected=expected.git_version)
    if expected.cxx11_abi is not None and found.cxx11_abi is not expected.cxx11_abi:
        yield Evidence(subject="its C++11 ABI", found=_abi(found.cxx11_abi), expected=_abi(expected.cxx11_abi))


def _abi(value: bool | None) -> str:
    return {True: "new", False: "old", None: "not recognised"}[value]
