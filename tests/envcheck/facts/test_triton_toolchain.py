from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envcheck.checks import triton_toolchain
from envcheck.core import Finding, Verdict
from envcheck.facts.triton_toolchain import TritonToolchain
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import context
from tests.envcheck.triton_places import NO_HEADERS, NO_LDCONFIG

PTXAS = "triton/third_party/cuda/bin/ptxas"


@pytest.fixture
def place(environment: Environment) -> Environment:
    """An environment with the files of triton that are looked for."""
    environment.install("triton", "2.2.0", {"triton/__init__.py": "", PTXAS: "#!/bin/sh\n"})
    (environment.site / PTXAS).chmod(0o755)
    return environment


def compiler(folder: Path) -> str:
    """A folder for PATH with a program called gcc."""
    folder.mkdir()
    (folder / "gcc").write_text("#!/bin/sh\n")
    (folder / "gcc").chmod(0o755)
    return str(folder)


def judge(seen: TritonToolchain) -> Finding:
    return triton_toolchain.check(context(seen))


def test_what_triton_would_use_is_found(place: Environment, tmp_path: Path) -> None:
    seen = place.observe(TritonToolchain, variables={"PATH": compiler(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert (seen.version, seen.compiler) == ("2.2.0", "~/bin/gcc")
    assert seen.ptxas is not None
    assert seen.ptxas.endswith(PTXAS)
    assert (seen.ptxas_runs, seen.cache_writable, seen.dump_writable) == (True, True, True)
    assert (seen.cache, seen.dump) == ("~/.triton/cache", "~/.triton/dump")


def test_no_compiler_on_the_path(place: Environment) -> None:
    finding = judge(place.observe(TritonToolchain, variables={"PATH": "/nonexistent"}))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "the C compiler is missing, expected gcc or clang on PATH, or CC"


def test_a_compiler_with_options_in_its_variable_is_not_found(place: Environment) -> None:
    """Triton starts CC as one program name."""
    finding = judge(place.observe(TritonToolchain, variables={"CC": "ccache gcc"}))
    assert finding.summary.startswith("the C compiler is CC=ccache gcc, which is no program")
    assert finding.remedy == "unset CC"


def test_no_headers(place: Environment, tmp_path: Path) -> None:
    (place.site / "sitecustomize.py").write_text(NO_HEADERS)
    seen = place.observe(TritonToolchain, variables={"PATH": compiler(tmp_path / "bin")})
    assert judge(seen).summary == "Python.h is missing, expected in /nonexistent/include"
    assert judge(seen).remedy.startswith("apt-get install -y python3")


def test_no_ldconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envcheck.facts.triton_toolchain.LDCONFIG", "/nonexistent/ldconfig")
    assert TritonToolchain.observe().ldconfig is False
    monkeypatch.setenv("TRITON_LIBCUDA_PATH", "/nonexistent")
    assert TritonToolchain.observe().libcuda_path == "/nonexistent"


def test_ldconfig_that_does_not_start_knows_of_no_driver(place: Environment) -> None:
    (place.site / "sitecustomize.py").write_text(NO_LDCONFIG)
    assert place.observe(TritonToolchain).drivers == ()


def test_a_driver_without_the_link_that_a_linker_needs(place: Environment, tmp_path: Path) -> None:
    driver = tmp_path / "libcuda.so.1"
    driver.write_bytes(b"")
    variables = {"PATH": compiler(tmp_path / "bin"), "LD_LIBRARY_PATH": str(tmp_path)}
    seen = place.observe(TritonToolchain, variables=variables)
    assert str(driver) in seen.drivers
    if len(seen.drivers) > 1:
        pytest.skip("this machine has a driver of its own")
    finding = judge(seen)
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"libcuda.so is missing, expected a link beside {driver}"
    assert finding.remedy == f"ln -s libcuda.so.1 {tmp_path}/libcuda.so"
    (tmp_path / "libcuda.so").symlink_to("libcuda.so.1")
    assert place.observe(TritonToolchain, variables=variables).link_folders == (str(tmp_path),)


def test_a_folder_for_the_driver_that_does_not_have_it(place: Environment, tmp_path: Path) -> None:
    (tmp_path / "libcuda.so.1").write_bytes(b"")
    variables = {"LD_LIBRARY_PATH": str(tmp_path), "TRITON_LIBCUDA_PATH": "/nonexistent"}
    seen = place.observe(TritonToolchain, variables={"PATH": compiler(tmp_path / "bin"), **variables})
    assert seen.link_folders == ()
    assert "TRITON_LIBCUDA_PATH=/nonexistent is missing" in judge(seen).summary


def test_an_assembler_that_may_not_be_executed(place: Environment, tmp_path: Path) -> None:
    (place.site / PTXAS).chmod(0o644)
    seen = place.observe(TritonToolchain, variables={"PATH": compiler(tmp_path / "bin")})
    assert seen.ptxas_runs is False
    assert judge(seen).verdict is Verdict.FAIL


def test_a_cache_below_a_file_cannot_be_written(place: Environment, tmp_path: Path) -> None:
    """A read-only folder would not stop root, whom containers run as."""
    (tmp_path / "file").write_text("")
    variables = {"PATH": compiler(tmp_path / "bin"), "TRITON_CACHE_DIR": str(tmp_path / "file" / "cache")}
    seen = place.observe(TritonToolchain, variables=variables)
    assert seen.cache_writable is False
    assert "is read-only, expected writable" in judge(seen).summary


def test_no_triton(environment: Environment) -> None:
    seen = environment.observe(TritonToolchain)
    assert seen.version is None
    assert judge(seen).summary == "triton is not installed"


def test_the_driver_that_stands_in_is_in_the_package() -> None:
    source = Path(sys.modules["envcheck"].__path__[0]) / "stub_driver.c"
    assert "cuLaunchKernel" in source.read_text()
