"""The C++ compilers of a build are there, and nvcc accepts the one that it will call.

torch 2.2 knows the bounds of CUDA up to 11.7 and checks none for CUDA 12, so nvcc itself ends the build: "unsupported
GNU version! gcc versions later than 12 are not supported". Without g++ it ends in "Command '['which', 'g++']'".

How to fix: install the newest g++ that the toolkit accepts and name it: export CC=gcc-12 CXX=g++-12.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.build_tools import BuildTools, Compiler
from envcheck.facts.cuda_toolkit import CudaToolkit


def check(context: Context) -> Finding:
    """Every compiler is found; gcc's major version is compared with the bound in the toolkit's `crt/host_config.h`."""
    tools = context.facts[BuildTools]
    absent = [item for item in (*tools.cxx_compilers, tools.nvcc_compiler) if item.path is None]
    if absent:
        wrong = tuple(Evidence(subject=item.name, found="not on PATH", expected="a C++ compiler") for item in absent)
        commands = "apt-get install -y build-essential"
        defaults = {"c++", "g++", "gcc"}
        named = [item.name for item in absent if item.name not in defaults]
        remedy = "unset CC CXX && " + commands if named else commands
        return Finding.failed(f"{absent[0].name} is not on PATH, expected a C++ compiler", *wrong, remedy=remedy)
    return _accepted(tools.nvcc_compiler, context.facts[CudaToolkit].newest_gcc)


def _accepted(compiler: Compiler, bound: int | None) -> Finding:
    evidence = Evidence(
        subject=compiler.path or compiler.name,
        found=compiler.version or "no version",
        expected=f"gcc {bound} or older" if bound else "any",
    )
    if compiler.version is None:
        summary = f"{compiler.path} does not say its version"
        return Finding.unknown(summary, evidence, remedy=f"{compiler.name} --version")
    if not compiler.gcc:
        summary = f"{compiler.path} is not gcc, and which others nvcc accepts is not read"
        return Finding.unknown(summary, evidence, remedy="unset CC CXX")
    if bound is None:
        remedy = "export CUDA_HOME=...  # a toolkit whose include/crt/host_config.h names the newest gcc"
        return Finding.unknown("the toolkit does not say which gcc it accepts", evidence, remedy=remedy)
    if int(compiler.version.partition(".")[0]) > bound:
        return Finding.failed(
            f"{compiler.path} is gcc {compiler.version}, nvcc accepts {bound} at most",
            evidence,
            remedy=f"apt-get install -y g++-{bound} && export CC=gcc-{bound} CXX=g++-{bound}",
        )
    return Finding.passed(f"gcc {compiler.version}, nvcc accepts up to {bound}", evidence)
