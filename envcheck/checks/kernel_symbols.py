"""The kernels' binaries fit the torch that is installed, name by name.

An extension that was compiled for another torch ends in `undefined symbol: _ZN3c104cuda9SetDeviceEa`, and mamba_ssm
2.2.2 takes that ImportError for an absent causal_conv1d: nothing is said until the first forward on the rented GPU.

How to fix: compile the kernels again against this torch with `bgb kernels build --install`.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedKernels
from envcheck.facts.kernel_binaries import KernelBinaries, KernelBinary
from envcheck.facts.torch_build import TorchBuild
from envcheck.remedies import build_kernels, reinstall


def check(context: Context) -> Finding:
    """Every name that an extension needs of torch or CUDA is in the installed libraries."""
    seen, torch = context.facts[KernelBinaries], context.facts[TorchBuild]
    if not seen.libraries:
        return Finding.failed(
            "torch has no libraries here to compare the kernels with",
            Evidence(subject="torch", found=torch.version or "not installed", expected="with its libraries"),
            remedy=reinstall(context, "torch"),
        )
    wrong = [*_absent(context, seen), *(item for binary in seen.binaries for item in _differences(binary, torch))]
    if wrong:
        first = wrong[0]
        return Finding.failed(
            f"{first.subject} {first.found}, expected {first.expected}", *wrong, remedy=build_kernels()
        )
    names = sum(binary.needed_count for binary in seen.binaries)
    evidence = (Evidence(subject=_name(item), found=f"{item.needed_count} names found") for item in seen.binaries)
    return Finding.passed(f"{names} names of torch and CUDA found for {len(seen.binaries)} extensions", *evidence)


def _absent(context: Context, seen: KernelBinaries) -> Iterator[Evidence]:
    """A package of the kernels without an extension: a pure Python wheel, or files that are gone."""
    present = {binary.package for binary in seen.binaries}
    for name in sorted(set(context.expect[ExpectedKernels].commits) - present):
        yield Evidence(subject=name, found="has no compiled extension", expected="one")


def _differences(binary: KernelBinary, torch: TorchBuild) -> Iterator[Evidence]:
    name = _name(binary)
    if binary.error is not None:
        yield Evidence(subject=name, found=f"is no shared library ({binary.error})", expected="one")
        return
    if not binary.importable:
        yield Evidence(subject=name, found="has a suffix that this Python does not import", expected="its own suffix")
    if binary.cxx11_abi is not None and torch.cxx11_abi is not None and binary.cxx11_abi != torch.cxx11_abi:
        found = f"is compiled with _GLIBCXX_USE_CXX11_ABI={int(binary.cxx11_abi)}"
        yield Evidence(subject=name, found=found, expected=f"{int(torch.cxx11_abi)} as torch {torch.version}")
    if binary.missing_count:
        made = f", compiled for {binary.built_for}" if binary.built_for else ""
        found = f"needs {binary.missing_count} names that torch {torch.version} does not have{made}"
        yield Evidence(subject=name, found=f"{found}, as {binary.missing[0]}", expected="all of them")
    major = (torch.cuda or "").partition(".")[0]
    for library in binary.needed:
        if library.startswith("libcudart.so.") and library.split(".")[2] != major:
            yield Evidence(subject=name, found=f"needs {library}", expected=f"libcudart.so.{major} as torch")


def _name(binary: KernelBinary) -> str:
    return binary.path.rpartition("/")[2]
