"""The kernels were compiled from the pinned sources, against the torch that is here.

The source distributions of mamba-ssm 2.2.2 and causal-conv1d 1.4.0 hold no CUDA sources: a plain installation, also one
from the git tag, downloads a prebuilt file named cu122 that no lock can hash. pip and uv keep what they built under the
version alone, so after a change of torch the old binary comes back from the cache.

How to fix: compile them with `bgb kernels build --install`, which leaves a build record in the package.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedKernels
from envcheck.facts.kernel_packages import KernelBuild, KernelPackage, KernelPackages
from envcheck.facts.packages import Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.torch_build import TorchBuild
from envcheck.remedies import build_kernels


def check(context: Context) -> Finding:
    """Compare each package's build record with the pinned commit, with torch, with Python and with its own files."""
    expected = context.expect[ExpectedKernels]
    found = {package.name: package for package in context.facts[KernelPackages].packages}
    wrong: list[Evidence] = []
    builds: dict[str, KernelBuild] = {}
    for name, commit in sorted(expected.commits.items()):
        package = found.get(name)
        if package is None or package.version is None:
            wrong.append(Evidence(subject=name, found="not installed", expected=f"compiled from commit {commit[:12]}"))
        elif package.build is None:
            wrong.append(_without_record(context, package, commit))
        else:
            builds[name] = package.build
            wrong.extend(_differences(context, package, package.build, commit))
    if wrong:
        first = wrong[0]
        summary = f"{first.subject}: {first.found}, expected {first.expected}"
        return Finding.failed(summary, *wrong, remedy=build_kernels())
    evidence = tuple(_made(name, build, expected) for name, build in builds.items())
    others = {build.toolkit for build in builds.values()} - {expected.toolkit}
    advice = f"; with CUDA {', '.join(sorted(others))}, the pin is {expected.toolkit}" if others else ""
    return Finding.passed(f"compiled from the pinned commits of {' and '.join(builds)}{advice}", *evidence)


def _without_record(context: Context, package: KernelPackage, commit: str) -> Evidence:
    """Also an installation straight from the git tag: its setup.py downloads all the same."""
    installed = context.facts[Packages].named(package.name)
    origin = f"installed from {installed.url or installed.origin}" if installed is not None else "origin unknown"
    by = f", wheel by {package.generator}" if package.generator else ""
    why = package.build_error or "no build record, so downloaded or built elsewhere"
    return Evidence(
        subject=f"{package.name} {package.version}",
        found=f"{why} ({origin}{by})",
        expected=f"a build record of commit {commit[:12]}",
    )


def _differences(context: Context, package: KernelPackage, build: KernelBuild, commit: str) -> Iterator[Evidence]:
    torch, python = context.facts[TorchBuild], context.facts[PythonBuild]
    here = f"{python.implementation}-{''.join(python.version.split('.')[:2])}"
    pairs = (
        ("commit", build.commit, commit),
        ("torch", build.torch, torch.version or "none"),
        ("CUDA of torch", build.cuda, torch.cuda or "none"),
        ("C++ ABI", _abi(build.cxx11_abi), _abi(torch.cxx11_abi)),
        ("Python", build.python, here),
    )
    for what, found, expected in pairs:
        if found != expected:
            yield Evidence(subject=f"{package.name}, {what}", found=f"built with {found}", expected=expected)
    for path, digest in sorted(build.binaries.items()):
        actual = (package.binaries or {}).get(path)
        if actual != digest:
            found = f"SHA-256 {actual[:12]}" if actual else "gone"
            yield Evidence(subject=f"{package.name}, {path}", found=found, expected=f"{digest[:12]} as it was built")
    for path in sorted(set(package.binaries or {}) - set(build.binaries)):
        yield Evidence(
            subject=f"{package.name}, {path}", found="a binary", expected="none: its build made no such file"
        )


def _made(name: str, build: KernelBuild, expected: ExpectedKernels) -> Evidence:
    found = f"{build.commit[:12]}, torch {build.torch}, CUDA {build.toolkit}, for {', '.join(build.architectures)}"
    return Evidence(subject=name, found=found, expected=f"{expected.commits[name][:12]}, CUDA {expected.toolkit}")


def _abi(cxx11: bool | None) -> str:
    return "unknown" if cxx11 is None else f"_GLIBCXX_USE_CXX11_ABI={int(cxx11)}"
