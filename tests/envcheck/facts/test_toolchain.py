"""Toolchains made of scripts: what a build would find, and what it would end in, judged before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envcheck.checks import build_memory, build_tools, cuda_toolkit, host_compiler
from envcheck.core import Finding, Verdict
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.cuda_toolkit import HEADERS, CudaToolkit
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import MACHINE, PYTHON, TOOLKIT, TOOLS, TORCH, context, packages

BOUND = "#error -- unsupported GNU version! gcc versions later than {} are not supported!\n"
GCC = "g++ (Debian {version}-14) {version}\\nCopyright (C) 2022 Free Software Foundation, Inc."


def script(path: Path, said: str, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '%b\\n' '{said}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def lay_out_toolkit(home: Path, release: str = "12.1", newest_gcc: int = 12) -> Path:
    script(home / "bin" / "nvcc", f"Cuda compilation tools, release {release}, V{release}.105")
    for name in HEADERS:
        (home / "include" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "include" / name).write_text(BOUND.format(newest_gcc))
    return home


def toolkit(environment: Environment, home: Path | None, path: str = "/usr/bin:/bin") -> CudaToolkit:
    variables = {"PATH": path, **({"CUDA_HOME": str(home)} if home else {})}
    return environment.observe(CudaToolkit, variables=variables, default_home="/nowhere/cuda")


def tools(environment: Environment, path: Path | str, **variables: str) -> BuildTools:
    return environment.observe(BuildTools, variables={"PATH": str(path), **variables})


def judge_toolkit(seen: CudaToolkit) -> Finding:
    return cuda_toolkit.check(context(PYTHON, packages(), TORCH, seen))


def test_a_toolkit_named_by_cuda_home_is_read(environment: Environment, tmp_path: Path) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    seen = toolkit(environment, home)
    assert seen == CudaToolkit(home=str(home), decided_by="CUDA_HOME", nvcc=True, release="12.1", newest_gcc=12)
    assert judge_toolkit(seen).verdict is Verdict.PASS


def test_without_a_variable_nvcc_on_the_path_decides(environment: Environment, tmp_path: Path) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    seen = toolkit(environment, None, f"{home}/bin:/usr/bin:/bin")
    assert (seen.home, seen.decided_by) == (str(home), "nvcc on PATH")


def test_without_the_program_which_torch_does_not_see_nvcc_on_the_path(
    environment: Environment, tmp_path: Path
) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    assert toolkit(environment, None, f"{home}/bin").decided_by == "nothing"


def test_another_major_version_fails_with_both_numbers(environment: Environment, tmp_path: Path) -> None:
    finding = judge_toolkit(toolkit(environment, lay_out_toolkit(tmp_path / "cuda", "13.0")))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.endswith("is of CUDA 13.0, torch 2.2.2+cu121 of CUDA 12.1")
    assert finding.remedy.startswith("export CUDA_HOME=/usr/local/cuda-12.1")


def test_another_minor_version_passes_and_is_said(environment: Environment, tmp_path: Path) -> None:
    finding = judge_toolkit(toolkit(environment, lay_out_toolkit(tmp_path / "cuda", "12.4")))
    assert finding.verdict is Verdict.PASS
    assert finding.summary.endswith("; the pin is 12.1, a minor version apart")


def test_a_cuda_home_that_points_nowhere_is_named(environment: Environment) -> None:
    finding = judge_toolkit(toolkit(environment, Path("/nope")))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "CUDA_HOME names /nope, but /nope/bin/nvcc does not exist"


def test_no_toolkit_at_all_fails(environment: Environment) -> None:
    finding = judge_toolkit(toolkit(environment, None))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "no CUDA toolkit is here: no CUDA_HOME, no nvcc on PATH"


def test_an_nvcc_that_says_nothing_fails(environment: Environment, tmp_path: Path) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    script(home / "bin" / "nvcc", "what?", status=9)
    assert "ended with status 9 and no release" in judge_toolkit(toolkit(environment, home)).summary


def test_a_runtime_image_without_headers_fails(environment: Environment, tmp_path: Path) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    (home / "include" / "cuda_runtime.h").unlink()
    finding = judge_toolkit(toolkit(environment, home))
    assert finding.verdict is Verdict.FAIL
    assert "has no cuda_runtime.h" in finding.summary


def test_a_torch_without_cuda_is_what_is_wrong() -> None:
    finding = cuda_toolkit.check(context(PYTHON, packages(), replace(TORCH, cuda=None, version="2.2.2+cpu"), TOOLKIT))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "torch is 2.2.2+cpu, expected a build with CUDA")


def test_a_compiler_above_the_bound_fails_with_the_two_numbers(environment: Environment, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "g++", GCC.format(version="14.2.0"))
    seen = tools(environment, tmp_path / "bin")
    assert (seen.compiler_version, seen.compiler_is_gcc) == ("14.2.0", True)
    finding = host_compiler.check(context(seen, TOOLKIT))
    assert finding.summary == f"{tmp_path}/bin/g++ is gcc 14.2.0, nvcc accepts 12 at most"
    assert finding.remedy == "apt-get install -y g++-12 && export CC=gcc-12 CXX=g++-12"


def test_the_compiler_that_cc_names_is_the_one_that_counts(environment: Environment, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "g++", GCC.format(version="14.2.0"))
    script(tmp_path / "bin" / "gcc-12", GCC.format(version="12.2.0"))
    seen = tools(environment, tmp_path / "bin", CC="gcc-12")
    assert host_compiler.check(context(seen, TOOLKIT)).summary == "gcc 12.2.0, nvcc accepts up to 12"


def test_no_compiler_fails_and_a_strange_one_is_unknown(environment: Environment, tmp_path: Path) -> None:
    finding = host_compiler.check(context(tools(environment, "/nonexistent"), TOOLKIT))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "g++ is not on PATH")
    script(tmp_path / "bin" / "g++", "clang version 17.0.1")
    finding = host_compiler.check(context(tools(environment, tmp_path / "bin"), TOOLKIT))
    assert finding.verdict is Verdict.UNKNOWN


def test_every_program_that_is_missing_is_named(environment: Environment) -> None:
    finding = build_tools.check(context(PYTHON, packages(), tools(environment, "/nonexistent")))
    assert finding.verdict is Verdict.FAIL
    assert [item.subject for item in finding.evidence[:3]] == ["git", "ninja", "which"]
    assert finding.remedy.startswith("apt-get install -y git debianutils && ")


def test_a_package_that_setup_py_imports_and_nothing_declares_is_named(environment: Environment) -> None:
    seen = tools(environment, "/usr/bin:/bin")
    assert seen.packages == {
        "ninja": None,
        "packaging": None,
        "setuptools": seen.packages["setuptools"],
        **dict.fromkeys(("torch", "wheel")),
    }
    finding = build_tools.check(
        context(PYTHON, packages(), replace(TOOLS, packages={**TOOLS.packages, "setuptools": None}))
    )
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "setuptools is not installed")


@pytest.mark.parametrize(
    ("wheel", "setuptools", "verdict"),
    [
        ("0.46.0", "69.5.1", Verdict.FAIL),
        ("0.46.1", "70.0.0", Verdict.FAIL),
        ("0.46.1", "70.1.0", Verdict.PASS),
        ("0.46.2", "69.5.1", Verdict.PASS),
        ("0.45.1", "69.5.1", Verdict.PASS),
    ],
)
def test_two_releases_of_wheel_break_beside_an_older_setuptools(
    environment: Environment, wheel: str, setuptools: str, verdict: Verdict
) -> None:
    environment.install("wheel", wheel)
    environment.install("setuptools", setuptools)
    seen = tools(environment, "/usr/bin:/bin")
    assert (seen.packages["wheel"], seen.packages["setuptools"]) == (wheel, setuptools)
    there = replace(TOOLS, packages={**TOOLS.packages, "wheel": wheel, "setuptools": setuptools})
    finding = build_tools.check(context(PYTHON, packages(), there))
    assert finding.verdict is verdict
    assert verdict is Verdict.PASS or finding.summary == f"wheel is {wheel} beside setuptools {setuptools}"


def test_more_compilers_than_fit_fail_with_the_arithmetic(environment: Environment) -> None:
    seen = tools(environment, "/usr/bin:/bin")
    assert (seen.max_jobs, seen.nvcc_threads) == (None, None)
    small = replace(MACHINE, usable_cores=8.0, available_memory_bytes=32 * 10**9)
    finding = build_memory.check(context(seen, small))
    assert finding.summary == "8 jobs of 4 threads need 128 GB, 32 GB are available"
    assert finding.remedy == "export MAX_JOBS=8 NVCC_THREADS=1"
    fewer = tools(environment, "/usr/bin:/bin", MAX_JOBS="8", NVCC_THREADS="1")
    assert build_memory.check(context(fewer, small)).verdict is Verdict.PASS


@pytest.mark.parametrize("value", ["", "0", "-1", "many"])
def test_a_number_of_jobs_that_is_none_fails(environment: Environment, value: str) -> None:
    finding = build_memory.check(context(tools(environment, "/usr/bin:/bin", MAX_JOBS=value), MACHINE))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"MAX_JOBS is {value!r}, expected a number from 1 on")


def test_what_a_builder_will_set_counts_before_the_variables(environment: Environment) -> None:
    seen = environment.observe(BuildTools, variables={"MAX_JOBS": "64"}, max_jobs=2, nvcc_threads=1)
    assert (seen.max_jobs, seen.nvcc_threads) == ("2", "1")
