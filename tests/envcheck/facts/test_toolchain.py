"""Toolchains made of scripts: what a build would find, and what it would end in, judged before it starts."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import sysconfig
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from envcheck.cgroups import read_limits
from envcheck.checks import build_memory, build_tools, cuda_toolkit, host_compiler
from envcheck.core import Finding, Verdict
from envcheck.facts import machine
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.cuda_toolkit import HEADERS, CudaToolkit
from envcheck.facts.machine import Machine
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import MACHINE, PYTHON, TOOLKIT, TOOLS, TORCH, context, packages

BOUND = "#error -- unsupported GNU version! gcc versions later than {} are not supported!\n"
GCC = "g++ (Debian {version}-14) {version}\\nCopyright (C) 2022 Free Software Foundation, Inc."
OWN_CXX = str(sysconfig.get_config_var("CXX") or "g++").split()[0]
"""What Python was built with, `g++` for Debian's: torch's `which g++` asks for this one."""


def script(path: Path, said: str, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nprintf '%b\\n' '{said}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def lay_out_toolkit(home: Path, release: str = "12.1", newest_gcc: int = 12) -> Path:
    script(
        home / "bin" / "nvcc",
        f"Cuda compilation tools, release {release}, V{release}.105\\nBuild cuda_{release}.r{release}/1_0",
    )
    for name in HEADERS:
        (home / "include" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "include" / name).write_text(BOUND.format(newest_gcc))
    return home


def toolkit(environment: Environment, home: Path | None, path: str = "/usr/bin:/bin") -> CudaToolkit:
    variables = {"PATH": path, **({"CUDA_HOME": str(home)} if home else {})}
    return environment.observe(CudaToolkit, variables=variables, default_home="/nowhere/cuda")


def compilers(folder: Path, gcc: str = "12.2.0") -> Path:
    for name in {"gcc", "g++", "c++", OWN_CXX}:
        script(folder / name, GCC.format(version=gcc))
    return folder


def _without(variables: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in variables.items() if key != name}


def tools(environment: Environment, path: Path | str, **variables: str) -> BuildTools:
    return environment.observe(BuildTools, variables={"PATH": str(path), **variables})


def judge_toolkit(seen: CudaToolkit) -> Finding:
    return cuda_toolkit.check(context(PYTHON, packages(), TORCH, seen))


def test_a_toolkit_named_by_cuda_home_is_read(environment: Environment, tmp_path: Path) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    seen = toolkit(environment, home)
    assert seen == CudaToolkit(
        home=str(home), decided_by="CUDA_HOME", nvcc=True, release="12.1", build="cuda_12.1.r12.1/1_0", newest_gcc=12
    )
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
    assert finding.summary.endswith("; the pin is 12.1 and torch is of 12.1, a minor version apart")


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


def test_an_empty_cuda_path_ends_the_search_as_it_does_in_torch(environment: Environment, tmp_path: Path) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    variables = {"PATH": f"{home}/bin:/usr/bin:/bin", "CUDA_PATH": ""}
    seen = environment.observe(CudaToolkit, variables=variables, default_home=str(home))
    assert judge_toolkit(seen).summary == "no CUDA toolkit is here: CUDA_PATH is set and empty"


def test_variables_decide_before_nvcc_on_the_path_and_that_before_the_usual_place(
    environment: Environment, tmp_path: Path
) -> None:
    first, second, third, last = (lay_out_toolkit(tmp_path / name) for name in ("1", "2", "3", "4"))
    variables = {"CUDA_HOME": str(first), "CUDA_PATH": str(second), "PATH": f"{third}/bin:/usr/bin:/bin"}
    found = []
    for drop in ("CUDA_HOME", "CUDA_PATH", "PATH", ""):
        found.append(environment.observe(CudaToolkit, variables=variables, default_home=str(last)))
        variables = {**variables, drop: "/usr/bin:/bin"} if drop == "PATH" else _without(variables, drop)
    assert [(seen.home, seen.decided_by) for seen in found] == [
        (str(first), "CUDA_HOME"),
        (str(second), "CUDA_PATH"),
        (str(third), "nvcc on PATH"),
        (str(last), str(last)),
    ]


@pytest.mark.parametrize("kept", ["CUDA_HOME", "CUDA_PATH", "PATH", "none"])
def test_the_toolkit_is_the_one_that_torch_itself_finds(environment: Environment, tmp_path: Path, kept: str) -> None:
    """torch's own function, cut out of its file: importing it takes seconds, and looks at the GPU."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        pytest.skip("torch is not installed")
    text = (Path(spec.origin).parent / "utils" / "cpp_extension.py").read_text()
    tree = ast.parse(text)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "_find_cuda_home")
    source = textwrap.dedent("""
        import glob, os, subprocess, sys, types
        from typing import Optional
        IS_WINDOWS, SUBPROCESS_DECODE_ARGS = False, ()
        torch = types.SimpleNamespace(cuda=types.SimpleNamespace(is_available=lambda: True))
    """)
    source += ast.unparse(function).replace("/usr/local/cuda", str(tmp_path / "usual"))
    lay_out_toolkit(tmp_path / "usual")
    homes = {name: lay_out_toolkit(tmp_path / name) for name in ("CUDA_HOME", "CUDA_PATH", "PATH")}
    variables = {"PATH": f"{homes['PATH']}/bin:/usr/bin:/bin" if kept != "none" else "/usr/bin:/bin"}
    if kept.startswith("CUDA"):
        variables[kept] = str(homes[kept])
    command = [sys.executable, "-I", "-c", f"{source}\nprint(_find_cuda_home())"]
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    seen = environment.observe(CudaToolkit, variables=variables, default_home=str(tmp_path / "usual"))
    assert seen.home == ended.stdout.strip()


@pytest.mark.parametrize(
    ("mode", "content", "why"), [(0o644, "#!/bin/sh\n", "PermissionError"), (0o755, "", "no release")]
)
def test_an_nvcc_that_cannot_be_run_fails(
    environment: Environment, tmp_path: Path, mode: int, content: str, why: str
) -> None:
    home = lay_out_toolkit(tmp_path / "cuda")
    (home / "bin" / "nvcc").write_text("#!/bin/sh\nexit 0\n")
    (home / "bin" / "nvcc").chmod(mode)
    seen = toolkit(environment, home)
    finding = judge_toolkit(seen)
    assert (finding.verdict, seen.nvcc) == (Verdict.FAIL, mode == 0o755)
    assert why in finding.summary


def test_a_compiler_above_the_bound_fails_with_the_two_numbers(environment: Environment, tmp_path: Path) -> None:
    seen = tools(environment, compilers(tmp_path / "bin", gcc="14.2.0"))
    assert (seen.nvcc_compiler.version, seen.nvcc_compiler.gcc) == ("14.2.0", True)
    finding = host_compiler.check(context(seen, TOOLKIT))
    assert (finding.verdict, finding.summary) == (
        Verdict.FAIL,
        f"{tmp_path}/bin/gcc is gcc 14.2.0, nvcc accepts 12 at most",
    )
    assert finding.remedy == "apt-get install -y g++-12 && export CC=gcc-12 CXX=g++-12"


def test_the_bound_is_read_from_the_toolkit_that_was_found(environment: Environment, tmp_path: Path) -> None:
    seen = tools(environment, compilers(tmp_path / "bin", gcc="13.2.0"))
    for bound, verdict in ((12, Verdict.FAIL), (13, Verdict.PASS)):
        home = lay_out_toolkit(tmp_path / str(bound), newest_gcc=bound)
        assert host_compiler.check(context(seen, toolkit(environment, home))).verdict is verdict


def test_the_compiler_that_cc_names_is_the_one_that_counts(environment: Environment, tmp_path: Path) -> None:
    folder = compilers(tmp_path / "bin", gcc="14.2.0")
    script(folder / "gcc-12", GCC.format(version="12.2.0"))
    seen = tools(environment, folder, CC="gcc-12")
    assert host_compiler.check(context(seen, TOOLKIT)).summary == "gcc 12.2.0, nvcc accepts up to 12"


def test_a_number_in_brackets_is_not_the_version(environment: Environment, tmp_path: Path) -> None:
    folder = compilers(tmp_path / "bin")
    script(folder / "gcc", "gcc (crosstool-NG 1.24.0.133) 9.3.0\\nCopyright (C) Free Software Foundation, Inc.")
    assert tools(environment, folder).nvcc_compiler.version == "9.3.0"


@pytest.mark.parametrize("missing", sorted({"c++", "gcc", OWN_CXX}))
def test_each_compiler_that_a_build_calls_must_be_there(environment: Environment, tmp_path: Path, missing: str) -> None:
    if "/" in OWN_CXX:
        pytest.skip(f"this Python names its compiler by a path: {OWN_CXX}")
    folder = compilers(tmp_path / "bin")
    assert host_compiler.check(context(tools(environment, folder), TOOLKIT)).verdict is Verdict.PASS
    (folder / missing).unlink()
    finding = host_compiler.check(context(tools(environment, folder), TOOLKIT))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"{missing} is not on PATH, expected a C++ compiler")
    assert finding.remedy.endswith("apt-get install -y build-essential")


def test_cxx_replaces_both_cxx_compilers_and_must_exist(environment: Environment, tmp_path: Path) -> None:
    folder = compilers(tmp_path / "bin")
    (folder / "g++").unlink()
    (folder / "c++").rename(folder / "g++-12")
    seen = tools(environment, folder, CXX="g++-12")
    assert [(item.name, item.version) for item in seen.cxx_compilers] == [("g++-12", "12.2.0")]
    assert host_compiler.check(context(seen, TOOLKIT)).verdict is Verdict.PASS
    finding = host_compiler.check(context(tools(environment, folder, CXX="g++-99"), TOOLKIT))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "g++-99 is not on PATH, expected a C++ compiler")
    assert finding.remedy.startswith("unset CC CXX && ")


def test_a_strange_or_silent_compiler_is_unknown(environment: Environment, tmp_path: Path) -> None:
    folder = compilers(tmp_path / "bin")
    for said, status in (("clang version 17.0.1", 0), (GCC.format(version="12.2.0"), 1)):
        script(folder / "gcc", said, status)
        assert host_compiler.check(context(tools(environment, folder), TOOLKIT)).verdict is Verdict.UNKNOWN


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


def test_a_ninja_that_does_not_run_is_none(environment: Environment, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "ninja", "wrong ELF class", status=126)
    seen = tools(environment, f"{tmp_path}/bin:/usr/bin:/bin")
    assert (seen.programs["ninja"], seen.ninja_version) == (f"{tmp_path}/bin/ninja", None)
    there = replace(seen, programs={**TOOLS.programs, "ninja": seen.programs["ninja"]}, packages=TOOLS.packages)
    finding = build_tools.check(context(PYTHON, packages(), there))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"ninja is at {tmp_path}/bin/ninja, but does not run")
    assert "--reinstall-package ninja" in finding.remedy
    script(tmp_path / "bin" / "ninja", "1.13.0.git.kitware.jobserver-pipe-1")
    assert tools(environment, tmp_path / "bin").ninja_version == "1.13.0.git.kitware.jobserver-pipe-1"


@pytest.mark.parametrize("name", ["git", "ninja", "which"])
def test_a_path_without_one_program_names_that_one(environment: Environment, tmp_path: Path, name: str) -> None:
    for other in {"git", "ninja", "which"} - {name}:
        script(tmp_path / "bin" / other, "1.0.0")
    there = replace(tools(environment, tmp_path / "bin"), packages=TOOLS.packages)
    finding = build_tools.check(context(PYTHON, packages(), there))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"{name} is not on PATH")
    assert len(finding.evidence) == 1


def test_more_compilers_than_fit_fail_with_the_arithmetic(environment: Environment) -> None:
    seen = tools(environment, "/usr/bin:/bin")
    assert (seen.max_jobs, seen.nvcc_threads) == (None, None)
    small = replace(MACHINE, usable_cores=8.0, available_memory_bytes=32 * 10**9)
    finding = build_memory.check(context(seen, small))
    assert (finding.verdict, finding.summary) == (
        Verdict.FAIL,
        "10 jobs of 4 threads need 160 GB, 32 GB are available",
    )
    assert finding.remedy == "export MAX_JOBS=2"


def test_what_the_remedy_says_passes(environment: Environment) -> None:
    small = replace(MACHINE, usable_cores=8.0, available_memory_bytes=33 * 10**9)
    fewer = tools(environment, "/usr/bin:/bin", MAX_JOBS="2")
    assert build_memory.check(context(fewer, small)).verdict is Verdict.PASS
    more = tools(environment, "/usr/bin:/bin", MAX_JOBS="3")
    assert build_memory.check(context(more, small)).verdict is Verdict.FAIL


def test_nvcc_threads_in_the_shell_saves_nothing_as_no_setup_py_reads_it(environment: Environment) -> None:
    seen = tools(environment, "/usr/bin:/bin", MAX_JOBS="8", NVCC_THREADS="1")
    finding = build_memory.check(context(seen, replace(MACHINE, available_memory_bytes=32 * 10**9)))
    assert finding.verdict is Verdict.FAIL
    assert "1, which nothing reads" in [item.found for item in finding.evidence]


def test_where_four_threads_do_not_fit_the_builder_is_the_remedy(environment: Environment) -> None:
    tiny = replace(MACHINE, available_memory_bytes=9 * 10**9)
    by_hand = build_memory.check(context(tools(environment, "/usr/bin:/bin", MAX_JOBS="1"), tiny))
    assert by_hand.remedy == "bgb kernels build --install --jobs 2"
    builder = environment.observe(BuildTools, max_jobs=64, nvcc_threads=1)
    roomy = replace(tiny, available_memory_bytes=33 * 10**9)
    assert build_memory.check(context(builder, roomy)).remedy == "bgb kernels build --install --jobs 8"
    assert build_memory.check(context(builder, tiny)).remedy == "bgb kernels build --install --jobs 2"
    assert build_memory.check(context(builder, replace(tiny, available_memory_bytes=10**9))).remedy.endswith(
        "--jobs 1  # with 4 GB of memory free"
    )


@pytest.mark.parametrize(("limit", "verdict"), [(8 * 10**9, Verdict.FAIL), (40 * 10**9, Verdict.PASS)])
def test_the_limit_of_a_container_counts_on_a_large_machine(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, verdict: Verdict
) -> None:
    (tmp_path / "group").mkdir()
    (tmp_path / "group" / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "membership").write_text("0::/group\n")
    limits = read_limits(tmp_path, tmp_path / "membership")
    kernel = "MemTotal: 527000000 kB\nMemAvailable: 515000000 kB\n"
    monkeypatch.setattr(machine, "read_limits", lambda: limits)
    monkeypatch.setattr(machine, "read_text", lambda path: kernel if path.name == "meminfo" else "")
    seen = Machine.observe()
    assert seen.available_memory_bytes == limit
    finding = build_memory.check(context(tools(environment, "/usr/bin:/bin", MAX_JOBS="2"), seen))
    assert finding.verdict is verdict


@pytest.mark.parametrize(("cores", "jobs"), [(1.0, 2), (2.0, 3), (3.0, 5), (7.5, 10)])
def test_without_max_jobs_ninja_starts_more_jobs_than_cores(cores: float, jobs: int) -> None:
    unset = replace(TOOLS, max_jobs=None)
    finding = build_memory.check(context(unset, replace(MACHINE, usable_cores=cores)))
    assert finding.evidence[0].found == str(jobs)


@pytest.mark.parametrize("value", ["", "0", "-1", "many"])
def test_a_number_of_jobs_that_is_none_fails(environment: Environment, value: str) -> None:
    finding = build_memory.check(context(tools(environment, "/usr/bin:/bin", MAX_JOBS=value), MACHINE))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"MAX_JOBS is {value!r}, expected a number from 1 on")


def test_what_a_builder_will_set_counts_before_the_variables(environment: Environment) -> None:
    seen = environment.observe(BuildTools, variables={"MAX_JOBS": "64"}, max_jobs=2, nvcc_threads=1)
    assert (seen.max_jobs, seen.nvcc_threads) == ("2", 1)
