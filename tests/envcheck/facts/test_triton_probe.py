"""Real compilations with the triton of this project, and each way in which they fail on slim images and new GPUs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envcheck.checks import triton_probe
from envcheck.core import Finding, Verdict
from envcheck.expectations import ExpectedGpu
from envcheck.facts.triton_probe import TritonProbe
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import context
from tests.envcheck.triton_places import NO_HEADERS, need_triton, with_triton

pytestmark = pytest.mark.slow
PROJECT = Environment(prefix=Path(sys.prefix))


def judge(seen: TritonProbe, *names: str) -> Finding:
    return triton_probe.check(context(seen, expect=(ExpectedGpu(names=names),)))


def test_a_kernel_is_compiled_for_each_capability_that_is_asked_for(tmp_path: Path) -> None:
    need_triton()
    variables = {"HOME": str(tmp_path), "TRITON_CACHE_DIR": str(tmp_path / "cache")}
    seen = PROJECT.observe(TritonProbe, variables=variables, capabilities=["7.5", "8.0", "9.0"])
    assert (seen.error, seen.version, seen.ptxas_version) == (None, "2.2.0", "12.3")
    assert [(item.capability, item.error) for item in seen.compiled] == [("7.5", None), ("8.0", None), ("9.0", None)]
    assert all(item.cubin_bytes and item.cubin_bytes > 1000 for item in seen.compiled)
    assert list(tmp_path.iterdir()) == [], "looking leaves no trace in the cache or the home of whoever looks"
    assert judge(seen, "NVIDIA A100-SXM4-80GB", "NVIDIA H200").verdict is Verdict.PASS


@pytest.mark.parametrize(("capability", "name"), [("12.0", "NVIDIA GeForce RTX 5090"), ("10.0", "NVIDIA B200")])
def test_a_gpu_that_is_too_new_for_the_assembler_is_told_as_that(capability: str, name: str) -> None:
    need_triton()
    finding = judge(PROJECT.observe(TritonProbe, capabilities=["8.0", capability]), name)
    target = f"sm_{capability.replace('.', '')}"
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == (
        f"Triton 2.2.0 does not compile for {name}, compute capability {capability}: "
        f"ptxas 12.3 knows no {target}: the GPU is too new for this triton"
    )


def test_a_failure_for_a_gpu_that_nobody_expects_is_none() -> None:
    need_triton()
    seen = PROJECT.observe(TritonProbe, capabilities=["8.0", "12.0"])
    assert judge(seen, "NVIDIA A100-SXM4-80GB").verdict is Verdict.PASS
    assert judge(seen).verdict is Verdict.FAIL


def test_without_a_compiler_the_launcher_is_not_built() -> None:
    need_triton()
    seen = PROJECT.observe(TritonProbe, variables={"PATH": "/nonexistent"})
    assert seen.compiler is None
    finding = judge(seen)
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "apt-get install -y gcc libc6-dev")
    assert "there is no C compiler: neither gcc nor clang is on PATH" in finding.summary


def test_a_compiler_that_is_named_and_absent_is_named() -> None:
    need_triton()
    finding = judge(PROJECT.observe(TritonProbe, variables={"CC": "/nonexistent/cc"}))
    assert finding.verdict is Verdict.FAIL
    assert "CC is /nonexistent/cc, which cannot be run" in finding.summary
    assert finding.remedy == "unset CC"


def test_without_pythons_headers_the_launcher_is_not_built(tmp_path: Path) -> None:
    environment = with_triton(tmp_path, NO_HEADERS)
    finding = judge(environment.observe(TritonProbe))
    assert finding.verdict is Verdict.FAIL
    assert "the C compiler finds no Python.h" in finding.summary
    assert finding.evidence[0].found.startswith("/tmp") or "fatal error: Python.h" in finding.evidence[0].found


def test_a_compiler_that_finds_no_driver_to_link_with_is_told_as_that(tmp_path: Path) -> None:
    """The linker's words where TRITON_LIBCUDA_PATH names a folder without the driver."""
    need_triton()
    compiler = tmp_path / "gcc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *stub_driver.c*) exit 1;; esac\nexec /usr/bin/env gcc "$@"\n')
    compiler.chmod(0o755)
    finding = judge(PROJECT.observe(TritonProbe, variables={"CC": str(compiler)}))
    assert finding.verdict is Verdict.FAIL
    assert "the linker finds no libcuda.so" in finding.summary


def test_kernels_that_would_be_interpreted_are_no_kernels() -> None:
    need_triton()
    finding = judge(PROJECT.observe(TritonProbe, variables={"TRITON_INTERPRET": "1"}))
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "unset TRITON_INTERPRET")


def test_an_assembler_of_another_release_is_named(tmp_path: Path) -> None:
    need_triton()
    old = tmp_path / "ptxas"
    text = "ptxas fatal   : Value 'sm_90' is not defined for option 'gpu-name'"
    old.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then echo "Cuda compilation tools, release 11.2, V11.2.152"; exit; fi\n'
        f'for last; do :; done\necho "{text}" >&2\necho "{text}" > "${{last%.o}}.log"\nexit 1\n'
    )
    old.chmod(0o755)
    seen = PROJECT.observe(TritonProbe, variables={"TRITON_PTXAS_PATH": str(old)}, capabilities=["9.0"])
    assert (seen.ptxas, seen.ptxas_version) == (str(old), "11.2")
    finding = judge(seen, "NVIDIA H200")
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "unset TRITON_PTXAS_PATH")


def test_an_environment_without_triton_says_so(environment: Environment) -> None:
    seen = environment.observe(TritonProbe)
    assert seen.error is not None
    finding = judge(seen)
    assert finding.verdict is Verdict.FAIL
    assert "triton is not installed" in finding.summary
