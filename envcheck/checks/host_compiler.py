"""nvcc accepts the C++ compiler that it will call.

torch 2.2 knows the bounds of CUDA up to 11.7 and checks none for CUDA 12, so nvcc itself ends the build: "unsupported
GNU version! gcc versions later than 12 are not supported". Without g++ it ends in "Command '['which', 'g++']'".

How to fix: install the newest g++ that the toolkit accepts and name it: export CC=gcc-12 CXX=g++-12.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.cuda_toolkit import CudaToolkit


def check(context: Context) -> Finding:
    """Compare gcc's major version with the bound in the toolkit's `crt/host_config.h`."""
    tools, bound = context.facts[BuildTools], context.facts[CudaToolkit].newest_gcc
    if tools.compiler_path is None:
        found = Evidence(subject=tools.compiler, found="not on PATH", expected="a C++ compiler")
        return Finding.failed(f"{tools.compiler} is not on PATH", found, remedy="apt-get install -y build-essential")
    evidence = Evidence(
        subject=tools.compiler_path,
        found=tools.compiler_version or "no version",
        expected=f"gcc {bound} or older" if bound else "any",
    )
    if tools.compiler_version is None:
        summary = f"{tools.compiler_path} does not say its version"
        return Finding.unknown(summary, evidence, remedy=f"{tools.compiler} --version")
    if not tools.compiler_is_gcc:
        return Finding.unknown(
            f"{tools.compiler_path} is not gcc, and which others nvcc accepts is not read",
            evidence,
            remedy="unset CC CXX",
        )
    major = int(tools.compiler_version.partition(".")[0])
    if bound is None:
        remedy = "export CUDA_HOME=...  # a toolkit whose include/crt/host_config.h names the newest gcc"
        return Finding.unknown("the toolkit does not say which gcc it accepts", evidence, remedy=remedy)
    if major > bound:
        return Finding.failed(
            f"{tools.compiler_path} is gcc {tools.compiler_version}, nvcc accepts {bound} at most",
            evidence,
            remedy=f"apt-get install -y g++-{bound} && export CC=gcc-{bound} CXX=g++-{bound}",
        )
    return Finding.passed(f"gcc {tools.compiler_version}, nvcc accepts up to {bound}", evidence)
