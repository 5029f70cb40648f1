"""The occasions of this project: what is observed and judged before a cache is built and before a training starts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bgb.config import RunConfig
from bgb.data.signal import SignalSettings
from bgb.model.shapes import STRIDE
from bgb.preflight.checks import CHECKS as OWN_CHECKS
from bgb.preflight.checks import NEVER_WAIVED
from bgb.preflight.contract import splits_of, steps_of_window
from bgb.preflight.facts.corpus_index import CorpusIndex
from bgb.preflight.facts.manifests import Manifests
from bgb.preflight.facts.plan_stability import PlanStability
from bgb.preflight.facts.run_environment import RunEnvironment
from bgb.preflight.facts.source_code import SourceCode
from bgb.preflight.facts.step_speed import StepSpeed
from bgb.preflight.facts.variable_origins import VariableOrigins
from bgb.preflight.kernels import Target, kernel_requests
from bgb.preflight.resolve import request_for
from envcheck.checks import CHECKS as GENERAL_CHECKS
from envcheck.core import Check, Json, Request, Suite, Tier
from envcheck.errors import SelectionError, nearest
from envcheck.expectations import EXPECTATIONS
from envcheck.explain import explain
from envcheck.facts.cuda_driver import CudaDriver
from envcheck.facts.machine import Machine
from envcheck.facts.package_bytecode import PackageBytecode
from envcheck.facts.packages import Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.facts.torch_build import TorchBuild
from envcheck.facts.torch_runtime import TorchRuntime
from envcheck.policy import Vocabulary
from envcheck.suites import GPU, KERNELS_GPU, MACHINE

CHECKS: Mapping[str, Check] = {**GENERAL_CHECKS, **OWN_CHECKS}

ABOUT_TORCH = {"glibc_floor", "numpy_abi", "package_bytecode", "torch_build", "torch_runtime"}
"""Checks of a machine that a cache is built without."""
EVERY_RUN: Mapping[str, Tier] = {
    "environment": Tier.QUICK,
    "run_contract": Tier.QUICK,
    "patients_disjoint": Tier.QUICK,
    "seizures_present": Tier.QUICK,
    "plan_stable": Tier.STANDARD,
}
CACHE: Mapping[str, Tier] = {
    "corpus_readable": Tier.QUICK,
    "cache_space": Tier.QUICK,
}
TRAIN: Mapping[str, Tier] = {
    "manifest_current": Tier.QUICK,
    "model_shapes": Tier.QUICK,
    "mamba_kernel": Tier.QUICK,
    "budget": Tier.QUICK,
    "step_speed": Tier.DEEP,
}
WITHOUT_TORCH = {name: tier for name, tier in MACHINE.checks.items() if name not in ABOUT_TORCH}
SUITES: Mapping[str, Mapping[str, Tier]] = {
    "cache": {**WITHOUT_TORCH, **EVERY_RUN, **CACHE},
    "train": {**MACHINE.checks, **EVERY_RUN, **TRAIN},
    "train-gpu": {**GPU.checks, **EVERY_RUN, **TRAIN},
    "train-kernels": {**GPU.checks, **KERNELS_GPU.checks, **EVERY_RUN, **TRAIN},
}
NOT_COVERED: Mapping[str, tuple[str, ...]] = {
    "cache": ("whether the signals are sound: only headers and labels were read",),
    "train": (
        "whether the network learns: no step on its data was run",
        "how long a step takes here, below tier deep: the estimate then rests on train.seconds_per_step",
    ),
    "train-gpu": (
        "whether the network learns: no step on its data was run",
        "how long a step takes here, below tier deep: the estimate then rests on train.seconds_per_step",
        "other processes on the GPU",
    ),
    "train-kernels": (
        "whether the network learns: no step of it was run",
        "how long loading data takes beside a step",
    ),
}
VOCABULARY = Vocabulary(checks=CHECKS, suites=SUITES, expectations=EXPECTATIONS, never_waived=NEVER_WAIVED)


def suite_name(config: RunConfig, purpose: str) -> str:
    """Which occasion a run is, for a purpose."""
    if purpose != "train" or config.train.device != "cuda":
        return purpose
    return "train-kernels" if config.model.mamba.kernel == "cuda" else "train-gpu"


def suite_for(config: RunConfig, purpose: str, *, salt: str, gpu: Target | None = None) -> Suite:
    """The suite of one run; `salt` goes into the digests of its environment's values, `gpu` is what it is for."""
    name = suite_name(config, purpose)
    own = (
        *subject_requests(config, purpose, salt=salt),
        Request(fact=VariableOrigins, parameters={"directory": str(config.source.parent)}),
        Request(fact=Machine, parameters={"paths": {"cache": str(config.paths.cache)}}),
        Request(fact=PlanStability, parameters={"request": request_for(config, purpose)}),
    )
    skipped = {TorchBuild, TorchRuntime, PackageBytecode} if purpose == "cache" else set()
    general = [request for request in GPU.requests if request.fact not in skipped]
    kernels = kernel_requests(config, gpu) if name == "train-kernels" else ()
    if purpose == "train":
        own = (*own, step_request(config))
    # each fact once: the run's own way to ask for it before the general one
    requests = {request.fact: request for request in (*general, *kernels, *own)}
    return Suite(name=name, requests=tuple(requests.values()), checks=SUITES[name], not_covered=NOT_COVERED[name])


def stored_suite(name: str) -> Suite:
    """A suite to judge stored facts by; it observes nothing."""
    if name not in SUITES:
        raise SelectionError(f"no suite is called '{name}'; {nearest(name, SUITES)}")
    return Suite(name=name, requests=(), checks=SUITES[name], not_covered=NOT_COVERED[name])


def subject_requests(config: RunConfig, purpose: str, *, salt: str) -> tuple[Request, ...]:
    """The facts whose digests a receipt binds: what the gate looks at again."""
    return (
        data_request(config, purpose),
        Request(fact=Packages),
        Request(fact=SourceCode),
        Request(fact=RunEnvironment, parameters={"salt": salt}),
        Request(fact=CudaDriver),
    )


def step_request(config: RunConfig) -> Request:
    """The fact that times a step. While code, packages and device stay, so does what it takes."""
    parameters: dict[str, Json] = {
        "model": config.model.model_dump_json(),
        "train": config.train.model_dump_json(),
        "samples": steps_of_window(config) * STRIDE,
    }
    return Request(fact=StepSpeed, parameters=parameters, fixed_by=(SourceCode, Packages, PythonBuild, CudaDriver))


def data_request(config: RunConfig, purpose: str) -> Request:
    """The fact that a plan is resolved from."""
    splits = list(splits_of(config))
    if purpose == "cache":
        rate = config.signal.sample_rate_hz
        parameters: dict[str, Json] = {"root": str(config.paths.corpus), "splits": splits, "sample_rate_hz": rate}
        return Request(fact=CorpusIndex, parameters=parameters)
    return Request(
        fact=Manifests,
        parameters={
            "cache": str(config.paths.cache),
            "corpus": str(config.paths.corpus),
            "splits": splits,
            "settings_digest": SignalSettings.from_config(config.signal).digest(),
        },
    )


def describe_checks(*, as_json: bool) -> str:
    """Every check with its title and the suites and tiers it runs in."""
    rows = [
        {
            "check": name,
            "title": explain(name, check).title,
            "suites": {suite: str(checks[name]) for suite, checks in SUITES.items() if name in checks},
        }
        for name, check in sorted(CHECKS.items())
    ]
    if as_json:
        return json.dumps({"schema_version": 1, "checks": rows}, indent=1) + "\n"
    width = max(len(name) for name in CHECKS)
    return "".join(f"{row['check']:<{width}}  {row['title']}\n" for row in rows)


def explain_check(name: str) -> str:
    """What a check is for; `SelectionError` names the nearest one where there is no such check."""
    if name not in CHECKS:
        raise SelectionError(f"no check is called '{name}'; {nearest(name, CHECKS)}")
    return explain(name, CHECKS[name]).text()
