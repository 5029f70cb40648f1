"""The CUDA toolkit that would compile the kernels is there and is that of torch.

nvcc of another major version ends the build in "The detected CUDA version (13.0) mismatches"; a CUDA_HOME that points
nowhere ends it in `NameError: name 'bare_metal_version' is not defined`, which says nothing about CUDA_HOME.

How to fix: install the toolkit of torch's CUDA, or a devel image, and set CUDA_HOME to it.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedKernels
from envcheck.facts.cuda_toolkit import CudaToolkit
from envcheck.facts.torch_build import TorchBuild
from envcheck.remedies import reinstall


def check(context: Context) -> Finding:
    """Another major version than torch's fails; another minor version than the pin is said and passes."""
    toolkit, torch = context.facts[CudaToolkit], context.facts[TorchBuild]
    pin = context.expect[ExpectedKernels].toolkit
    here = Evidence(subject="CUDA_HOME", found=f"{toolkit.home} (from {toolkit.decided_by})", expected=f"CUDA {pin}")
    if torch.cuda is None:
        found = Evidence(subject="torch", found=torch.version or "not installed", expected="a build with CUDA")
        summary = f"torch is {found.found}, expected {found.expected}"
        return Finding.failed(summary, found, here, remedy=reinstall(context, "torch"))
    remedy = f"export CUDA_HOME=/usr/local/cuda-{torch.cuda}  # after installing the CUDA {torch.cuda} toolkit there"
    if toolkit.home is None:
        empty = toolkit.decided_by == "CUDA_PATH"
        why = "CUDA_PATH is set and empty" if empty else "no CUDA_HOME, no nvcc on PATH"
        return Finding.failed(f"no CUDA toolkit is here: {why}", here, remedy=remedy)
    if toolkit.release is None:
        summary = f"{toolkit.decided_by} names {toolkit.home}, but {toolkit.error}"
        return Finding.failed(summary, here, remedy=remedy)
    release = Evidence(subject="nvcc", found=toolkit.release, expected=torch.cuda)
    if toolkit.release.partition(".")[0] != torch.cuda.partition(".")[0]:
        summary = f"nvcc in {toolkit.home} is of CUDA {toolkit.release}, torch {torch.version} of CUDA {torch.cuda}"
        return Finding.failed(summary, release, here, remedy=remedy)
    if toolkit.missing_headers:
        missing = Evidence(subject="headers", found=f"missing: {', '.join(toolkit.missing_headers)}", expected="all")
        summary = f"{toolkit.home}/include has no {toolkit.missing_headers[0]}, expected the headers of a devel image"
        return Finding.failed(summary, missing, here, remedy=remedy)
    apart = [f"the pin is {pin}"] if toolkit.release != pin else []
    apart += [f"torch is of {torch.cuda}"] if toolkit.release != torch.cuda else []
    advice = f"; {' and '.join(apart)}, a minor version apart" if apart else ""
    return Finding.passed(f"nvcc of CUDA {toolkit.release} in {toolkit.home}{advice}", release, here)
