"""The facts that need a GPU: what they say where there is none, and all of their logic that runs without one."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.profiler import DeviceType

from bgb.config import MambaConfig
from bgb.model.ssd import Mamba2
from envcheck.checks import kernel_numerics
from envcheck.core import Verdict
from envcheck.facts.kernel_numerics import KernelNumerics
from envcheck.facts.kernel_path import KernelPath, launched
from envcheck.facts.kernel_speed import REPEATS, WARM_UP, KernelSpeed, Stack, time_on_gpu
from envcheck.kernel_shapes import LayerShape
from tests.envcheck.environments import Environment
from tests.envcheck.kernel_stand_ins import make_kernels
from tests.envcheck.sightings import context

HERE = Environment(prefix=Path(sys.prefix))
SHAPE = LayerShape(d_model=32, d_state=8, headdim=16, chunk_size=16)


def compute(folder: Path, fault: str = "", **parameters: Any) -> KernelNumerics:
    """The fact as a child of this Python observes it, on the CPU, with the packages that stand in."""
    variables = {"PYTHONPATH": str(make_kernels(folder, fault)), "OMP_NUM_THREADS": "1"}
    given = {"layer": asdict(SHAPE), "steps": 40, "device": "cpu", **parameters}
    return HERE.observe(KernelNumerics, variables=variables, **given)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_each_says_so() -> None:
    problem = "torch sees no CUDA device"
    numerics = HERE.observe(KernelNumerics)
    assert (numerics.device, numerics.errors, numerics.problem) == (None, (), problem)
    path = HERE.observe(KernelPath, variables={"SEIZURE_MAMBA_FORCE_FALLBACK": "1", "TRITON_INTERPRET": "0"})
    assert (path.device, path.problem, path.switches) == (None, problem, {"SEIZURE_MAMBA_FORCE_FALLBACK": "1"})
    speed = HERE.observe(KernelSpeed)
    assert (speed.device, speed.problem) == (None, problem)


def test_an_operator_that_is_not_installed_ends_the_measurement_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "causal_conv1d.py").write_text("raise ModuleNotFoundError('No module named causal_conv1d')\n")
    small = {"d_model": 16, "headdim": 8, "d_state": 4}
    seen = HERE.observe(KernelNumerics, variables={"PYTHONPATH": str(tmp_path)}, device="cpu", steps=8, layer=small)
    assert seen.device == "cpu"
    assert (seen.problem or "").startswith("causal_conv1d_fn, batch 1, 8 steps")
    assert "ModuleNotFoundError" in (seen.problem or "")


def test_operators_that_are_right_pass_from_import_to_verdict(tmp_path: Path) -> None:
    seen = compute(tmp_path)
    finding = kernel_numerics.check(context(seen))
    assert (seen.problem, finding.verdict) == (None, Verdict.PASS), finding.summary
    assert {error.dtype for error in seen.errors} == {"float32", "float16", "bfloat16"}
    assert {item.subject.partition(":")[0] for item in finding.evidence} == {"float32", "float16", "bfloat16"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("conv without bias", "causal_conv1d_fn in "),
        ("selective scan without gate", "selective_scan_fn in "),
        ("bfloat16 gradients of odd lengths", "mamba_chunk_scan_combined in bfloat16: the relative error of dx is not"),
        ("layer with a way around it", "Mamba2 in "),
    ],
)
def test_an_operator_that_is_wrong_fails_from_import_to_verdict(tmp_path: Path, fault: str, said: str) -> None:
    finding = kernel_numerics.check(context(compute(tmp_path, fault)))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith(said)
    assert "expected at most" in finding.summary


def test_a_card_without_memory_is_no_wrong_number(tmp_path: Path) -> None:
    finding = kernel_numerics.check(context(compute(tmp_path, "out of memory")))
    assert finding.verdict is Verdict.UNKNOWN
    assert "OutOfMemoryError" in finding.summary


def test_inputs_are_drawn_anew_unless_a_seed_is_given(tmp_path: Path) -> None:
    fresh = [compute(tmp_path, dtypes=["float32"], steps=4) for _ in range(2)]
    again = compute(tmp_path, dtypes=["float32"], steps=4, seed=fresh[0].seed)
    assert fresh[0].seed != fresh[1].seed
    assert again.errors == fresh[0].errors != fresh[1].errors
    assert {error.dtype for error in again.errors} == {"float32"}


def test_a_training_step_updates_every_parameter_of_every_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Mamba2] = []

    def layer(**shape: int) -> Mamba2:
        made.append(Mamba2(MambaConfig(kernel="reference", layers=1, **shape)))
        return made[-1]

    monkeypatch.setitem(sys.modules, "mamba_ssm", SimpleNamespace(Mamba2=layer))
    run = Stack(SHAPE, 3, 2, 20).training_step(torch, mixed=True, device="cpu")
    before = [{name: value.detach().clone() for name, value in one.named_parameters()} for one in made]
    run()
    assert len(made) == 3
    for one, old in zip(made, before, strict=True):
        assert all(not torch.equal(value, old[name]) for name, value in one.named_parameters())


def test_the_parameters_of_a_layer_are_counted() -> None:
    shape = LayerShape(d_model=32, d_state=8, headdim=16, ngroups=2)
    layer = Mamba2(MambaConfig(kernel="reference", layers=1, **asdict(shape)))
    assert shape.parameters == sum(value.numel() for value in layer.parameters())


class _Clock:
    """The clock of a GPU on which each pass takes as many milliseconds as `passes` says."""

    def __init__(self, passes: list[float]) -> None:
        self.passes, self.now, self.runs = passes, 0.0, 0
        self.cuda = SimpleNamespace(Event=lambda enable_timing: _Event(self), synchronize=lambda: None)

    def run(self) -> None:
        self.now += self.passes[self.runs]
        self.runs += 1


class _Event:
    def __init__(self, clock: _Clock) -> None:
        self.clock, self.at = clock, 0.0

    def record(self) -> None:
        self.at = self.clock.now

    def elapsed_time(self, end: _Event) -> float:
        return end.at - self.at


def test_the_median_is_taken_after_the_warm_up() -> None:
    """Autotuning makes the first passes slow, another process one of the later ones."""
    clock = _Clock([5000.0] * WARM_UP + [900.0] + [4.0] * (REPEATS - 1))
    assert time_on_gpu(clock, clock.run) == pytest.approx(0.004)


def test_only_what_ran_on_the_device_counts_as_launched() -> None:
    """The wrapper's name in a call on the CPU is no kernel."""
    cpu, cuda = DeviceType.CPU, DeviceType.CUDA
    events = [
        SimpleNamespace(name="_chunk_scan_fwd_kernel_0d1d", device_type=cuda),
        SimpleNamespace(name="_chunk_scan_fwd_kernel_0d1d", device_type=cuda),
        SimpleNamespace(name="causal_conv1d_fwd", device_type=cpu),
    ]
    assert launched(events, cuda) == ("_chunk_scan_fwd_kernel_0d1d",)


def test_events_of_the_real_profiler_are_told_apart_by_device() -> None:
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        torch.ones(3) + 1
    assert "aten::add" in launched(profile.events(), DeviceType.CPU)
    assert launched(profile.events(), DeviceType.CUDA) == ()
