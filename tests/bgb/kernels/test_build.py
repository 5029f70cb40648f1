"""A build that is refused before it starts, and one for real where a CUDA 12 toolkit is."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from envcheck.collect import observe_one
from envcheck.core import Request, Unseen, decode
from envcheck.facts.kernel_binaries import KernelBinaries
from envcheck.facts.kernel_packages import KernelPackages
from tests.bgb.kernels.upstream import make_repository, write_lock
from tests.envcheck.environments import make_environment
from tests.envcheck.facts.test_toolchain import lay_out_toolkit
from tests.envcheck.processes import is_gone

ROOT = Path(__file__).resolve().parents[3]
SHARED_TOOLKIT = ROOT.parent / "shared" / "cuda12.sh"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="sources are fetched with git")


def build(lock: Path, house: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["kernels", "build", "--sources", str(lock), "--wheelhouse", str(house), *options]
    return subprocess.run(
        [sys.executable, "-m", "bgb", *command], capture_output=True, text=True, env={**os.environ, **variables}
    )


@needs_git
def test_a_build_against_another_major_version_of_cuda_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    lock = write_lock(tmp_path / "kernels.toml", tmp_path / "nowhere", "0" * 40)
    home = lay_out_toolkit(tmp_path / "cuda", "13.0")
    ended = build(lock, tmp_path / "house", CUDA_HOME=str(home))
    assert ended.returncode == 1
    assert "cuda_toolkit: nvcc in" in ended.stderr
    assert "is of CUDA 13.0, torch 2.2.2+cu121 of CUDA 12.1" in ended.stderr
    assert "fix: export CUDA_HOME=/usr/local/cuda-12.1" in ended.stderr
    assert "fetching" not in ended.stderr


@needs_git
def test_an_architecture_that_is_none_is_a_matter_of_usage(tmp_path: Path) -> None:
    lock = write_lock(tmp_path / "kernels.toml", tmp_path / "nowhere", "0" * 40)
    ended = build(lock, tmp_path / "house", "--arch", "sm_80")
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        2,
        "error: --arch is 'sm_80', expected a compute capability such as 8.0",
    )


@needs_git
def test_a_failed_compilation_is_explained_and_leaves_no_wheel(tmp_path: Path) -> None:
    commit = make_repository(tmp_path / "upstream", cpp="int nothing;\n")
    lock = write_lock(tmp_path / "kernels.toml", tmp_path / "upstream", commit)
    home = lay_out_toolkit(tmp_path / "cuda", "12.1", newest_gcc=99)
    nvcc = home / "bin" / "nvcc"
    said = "#error -- unsupported GNU version! gcc versions later than 12 are not supported!"
    nvcc.write_text(
        f'#!/bin/sh\ncase "$1" in *-version|-V) echo "release 12.1, V12.1.1";; *) echo "{said}"; exit 1;; esac\n'
    )
    ended = build(lock, tmp_path / "house", CUDA_HOME=str(home))
    assert ended.returncode == 1
    assert "toy-scan did not compile: the C++ compiler is newer than the gcc 12 that nvcc accepts" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list((tmp_path / "house").rglob("*.whl"))
    assert list((tmp_path / "house").rglob("toy-scan.log"))


@needs_git
def test_an_interrupt_ends_the_compilers_and_leaves_no_wheel(tmp_path: Path) -> None:
    commit = make_repository(tmp_path / "upstream", cpp="int nothing;\n")
    lock = write_lock(tmp_path / "kernels.toml", tmp_path / "upstream", commit)
    home = lay_out_toolkit(tmp_path / "cuda", "12.1", newest_gcc=99)
    nvcc = home / "bin" / "nvcc"
    nvcc.write_text(
        f'#!/bin/sh\ncase "$1" in *-version|-V) echo "release 12.1, V12.1.1";; '
        f"*) echo $$ > {tmp_path}/compiler; exec sleep 100;; esac\n"
    )
    command = ["kernels", "build", "--sources", str(lock), "--wheelhouse", str(tmp_path / "house")]
    variables = {**os.environ, "CUDA_HOME": str(home)}
    with subprocess.Popen(
        [sys.executable, "-m", "bgb", *command], stderr=subprocess.PIPE, text=True, env=variables
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "compiler").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        compiler = int((tmp_path / "compiler").read_text())
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said.splitlines()[-1]) == (130, "interrupted")
    assert is_gone(compiler)
    assert not list((tmp_path / "house").rglob("*.whl"))


@needs_git
@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to("/proc/nowhere")])
def test_a_wheelhouse_that_cannot_be_written_is_told_in_a_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    lock = write_lock(tmp_path / "kernels.toml", tmp_path / "nowhere", "0" * 40)
    make(tmp_path / "house")
    ended = build(lock, tmp_path / "house", CUDA_HOME=str(lay_out_toolkit(tmp_path / "cuda")))
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'house'}")
    assert "cannot be written: " in ended.stderr


def test_an_empty_wheelhouse_is_listed_as_that(tmp_path: Path) -> None:
    listing = [sys.executable, "-m", "bgb", "kernels", "list", "--wheelhouse", str(tmp_path)]
    ended = subprocess.run(listing, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (
        0,
        f"no wheels in {tmp_path}; make them with: bgb kernels build\n",
    )


@pytest.fixture(scope="session")
def cuda_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CUDA 12 toolkit: the one that CUDA_HOME names, or one that is laid out beside the project's notes."""
    named = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
    if (named / "bin" / "nvcc").exists():
        said = subprocess.run([named / "bin" / "nvcc", "--version"], capture_output=True, text=True).stdout
        if "release 12." in said:
            return named
    if not SHARED_TOOLKIT.exists():
        pytest.skip("no CUDA 12 toolkit is named by CUDA_HOME")
    home = tmp_path_factory.mktemp("toolkit") / "cuda"
    laid_out = subprocess.run(["bash", SHARED_TOOLKIT, home, sys.executable], capture_output=True, text=True)
    if laid_out.returncode != 0:
        pytest.skip(f"no CUDA 12 toolkit could be laid out: {laid_out.stderr[-200:]}")
    return home


@pytest.mark.slow
@pytest.mark.timeout(900)
@needs_git
def test_a_small_extension_is_compiled_recorded_installed_and_read_back(cuda_home: Path, tmp_path: Path) -> None:
    commit = make_repository(tmp_path / "upstream")
    lock = write_lock(tmp_path / "kernels.toml", tmp_path / "upstream", commit)
    house = tmp_path / "house"
    ended = build(lock, house, "--arch", "8.0", "--arch", "9.0", "--json", CUDA_HOME=str(cuda_home))
    assert ended.returncode == 0, ended.stderr
    (wheel,) = json.loads(ended.stdout)["wheels"]
    assert (wheel["new"], wheel["build"]["commit"], wheel["build"]["torch"]) == (True, commit, "2.2.2+cu121")

    again = build(lock, house, "--arch", "9.0", "--arch", "8.0", "--json", CUDA_HOME=str(cuda_home))
    assert json.loads(again.stdout)["wheels"][0]["new"] is False, again.stderr

    environment = make_environment(tmp_path / "environment")
    for name in ("torch", "nvidia", "elftools"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        places = spec.submodule_search_locations or []
        (environment.site / name).symlink_to(next(iter(places)))
    uv = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(environment.python)]
    subprocess.run(
        [*uv, "--no-deps", "--no-index", "--find-links", str(house / wheel_folder(house)), "toy-scan"], check=True
    )

    entry = observe_one(Request(fact=KernelBinaries, parameters={"packages": ["toy-scan"]}), environment.runner())
    assert not isinstance(entry.value, Unseen), entry.value.reason
    (binary,) = decode(KernelBinaries, entry.value).binaries
    assert (binary.missing, binary.built_for, binary.cxx11_abi) == ((), "torch 2.2", False)
    installed = environment.site / Path(binary.path).name
    assert list(binary.machine_code) == listed_by_cuobjdump(cuda_home, installed) == ["sm_80", "sm_90"]
    assert binary.intermediate_code == ()

    entry = observe_one(Request(fact=KernelPackages, parameters={"packages": ["toy-scan"]}), environment.runner())
    assert not isinstance(entry.value, Unseen), entry.value.reason
    (package,) = decode(KernelPackages, entry.value).packages
    assert package.build is not None
    assert package.build.binaries == package.binaries


def wheel_folder(house: Path) -> Path:
    (wheel,) = house.rglob("*.whl")
    return wheel.parent


def listed_by_cuobjdump(home: Path, library: Path) -> list[str]:
    said = subprocess.run(
        [home / "bin" / "cuobjdump", "--list-elf", library], capture_output=True, text=True, check=True
    )
    return sorted(set(re.findall(r"sm_\d+", said.stdout)))
