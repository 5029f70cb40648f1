"""What a step launches, compiled without a GPU, ends where a real launch looks for it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envcheck import stub_driver
from envcheck.checks import triton_compile
from envcheck.core import Finding, Json, Verdict
from envcheck.expectations import ExpectedGpu
from envcheck.facts.triton_compile import TritonCompile
from tests.envcheck.environments import ROOT, Environment
from tests.envcheck.sightings import context
from tests.envcheck.triton_places import REAL_LAUNCHES, SMALL_MAMBA, need_triton, with_triton

pytestmark = pytest.mark.slow
LAYER: dict[str, Json] = {"d_model": 60, "d_state": 16, "d_conv": 4, "expand": 2, "headdim": 32}
SIZE: dict[str, Json] = {"batch": 2, "steps": 50}


@pytest.fixture
def place(tmp_path: Path) -> Environment:
    """An environment whose mamba_ssm is a small one of ours."""
    environment = with_triton(tmp_path / "environment")
    environment.install("mamba-ssm", "2.2.2", SMALL_MAMBA)
    return environment


def look(place: Environment, *dtypes: str, **parameters: Json) -> TritonCompile:
    return observe(place, layers=[{**LAYER, **SIZE, "dtypes": list(dtypes)}], **parameters)


def observe(place: Environment, **parameters: Json) -> TritonCompile:
    return place.observe(TritonCompile, variables=None, cwd=ROOT, **parameters)


def judge(seen: TritonCompile, *names: str) -> Finding:
    return triton_compile.check(context(seen, expect=(ExpectedGpu(names=names),)))


def cached(folder: Path) -> set[str]:
    """Keys with the files that a launch reads, without the stages on the way there."""
    return {str(path.relative_to(folder)) for path in folder.glob("*/*") if path.suffix in {".cubin", ".so", ".json"}}


def launch(place: Environment, cache: Path, layer: dict[str, Json], dtype: str, processors: int) -> int:
    """Really launch a step, on a driver that takes kernels and does nothing; gives the number of launches."""
    driver = stub_driver.build(cache.parent, "gcc").parent
    variables = {"LD_LIBRARY_PATH": str(driver), "TRITON_LIBCUDA_PATH": str(driver), "TRITON_CACHE_DIR": str(cache)}
    answer = subprocess.run(
        [str(place.python), "-c", REAL_LAUNCHES, json.dumps(layer), dtype, str(processors)],
        env={**os.environ, **variables, "HOME": str(cache.parent), "FAKE_COUNT": "1"},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    return int(answer.stdout)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("processors", [108, 100])
def test_a_launch_finds_what_was_compiled(place: Environment, tmp_path: Path, dtype: str, processors: int) -> None:
    """100 rows on 108 or 100 multiprocessors are 1 for each, which Triton compiles in as a constant."""
    seen = look(place, dtype, cache=str(tmp_path / "ours"), processors=processors)
    assert (seen.error, seen.failures) == (None, ())
    assert seen.kernels == {"scaled_kernel": 4, "doubled_kernel": 1}
    launched = launch(place, tmp_path / "real", {**LAYER, **SIZE}, dtype, processors)
    assert launched == seen.launches
    assert cached(tmp_path / "ours") == cached(tmp_path / "real")
    before = cached(tmp_path / "ours")
    launch(place, tmp_path / "ours", {**LAYER, **SIZE}, dtype, processors)
    assert cached(tmp_path / "ours") == before, "a launch compiles nothing that the cache has"


def test_what_decides_a_key_changes_it(place: Environment, tmp_path: Path) -> None:
    """Otherwise equal keys would prove nothing."""
    layer = {**LAYER, **SIZE, "dtypes": ["float32"]}

    def keys(name: str, **parameters: Json) -> set[str]:
        changed = {**layer, **{key: value for key, value in parameters.items() if key in layer}}
        rest = {key: value for key, value in parameters.items() if key not in layer}
        observe(place, layers=[changed], cache=str(tmp_path / name), **rest)
        return cached(tmp_path / name)

    reference = keys("reference")
    assert keys("again") == reference
    assert keys("type", dtypes=["bfloat16"]) != reference
    assert keys("width", d_model=64) != reference
    assert keys("rows", batch=4) != reference
    assert keys("processors", processors=50) != reference
    assert keys("capability", capability="9.0", processors=108) != reference


@pytest.mark.skipif(importlib.util.find_spec("mamba_ssm") is None, reason="mamba_ssm is not installed here")
def test_a_launch_of_the_real_layer_finds_what_was_compiled(tmp_path: Path) -> None:
    need_triton()
    project = Environment(prefix=Path(sys.prefix))
    layer: dict[str, Json] = {"d_model": 64, "d_state": 16, "headdim": 16, "chunk_size": 64, **SIZE}
    seen = project.observe(
        TritonCompile, layers=[{**layer, "dtypes": ["bfloat16"]}], cache=str(tmp_path / "ours"), processors=108
    )
    assert (seen.error, seen.failures) == (None, ())
    assert len(seen.kernels) == 16
    launch(project, tmp_path / "real", layer, "bfloat16", 108)
    assert cached(tmp_path / "real") == cached(tmp_path / "ours")


def test_a_step_that_compiles_passes_for_the_gpu_it_was_compiled_for(place: Environment) -> None:
    seen = look(place, "fp32", "bf16")
    finding = judge(seen, "NVIDIA A100-SXM4-80GB")
    assert finding.verdict is Verdict.PASS
    assert finding.summary.startswith("10 kernels compile for 8.0 in ")
    assert judge(seen, "NVIDIA H200").verdict is Verdict.UNKNOWN


def test_a_gpu_that_is_too_new_fails_with_every_kernel(place: Environment) -> None:
    finding = judge(look(place, "float32", capability="12.0"), "NVIDIA GeForce RTX 5090")
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith(
        "0 of 5 kernels compile for 12.0; scaled_kernel with 2 warps and 2 stages does not"
    )
    assert "knows no sm_120" in finding.summary


@pytest.fixture
def changed(place: Environment) -> Path:
    return place.site / "mamba_ssm" / "ops" / "triton" / "ssd_combined.py"


def test_one_kernel_that_does_not_compile_is_named(place: Environment, changed: Path) -> None:
    changed.write_text(changed.read_text().replace("2 * tl.load(source", "2 * tl.lod(source"))
    finding = judge(look(place, "float32"))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith(
        "4 of 5 kernels compile for 8.0; doubled_kernel with 1 warps and 3 stages does not"
    )


def test_a_compiler_that_crashes_is_a_failure_and_not_the_end(place: Environment, changed: Path) -> None:
    changed.write_text(changed.read_text() + "\nimport os\nos.register_at_fork(after_in_child=os.abort)\n")
    seen = look(place, "float32")
    assert seen.compiled == 0
    assert "ended the process that it ran in" in seen.failures[0].error


def test_without_mamba_ssm_nothing_can_be_found_out(tmp_path: Path) -> None:
    if importlib.util.find_spec("mamba_ssm") is not None:
        pytest.skip("mamba_ssm is installed here")
    seen = look(with_triton(tmp_path), "float32")
    assert seen.error is not None
    finding = judge(seen)
    assert (finding.verdict, finding.summary) == (
        Verdict.FAIL,
        "what mamba_ssm launches cannot be found out: mamba_ssm is not installed",
    )
    assert "mamba-ssm" in finding.remedy
