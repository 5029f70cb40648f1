"""`bgb test-mamba`: everything about the compiled kernels as a suite of its own, without data and without a gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from bgb.config import RunConfig
from bgb.kernels.build import THREADS
from bgb.preflight.contract import RunContract
from bgb.preflight.kernels import kernel_requests, target_of
from bgb.preflight.run import Outcome, locked_packages
from bgb.preflight.suites import CHECKS, VOCABULARY
from envcheck.core import Context, Request, Suite, Tier
from envcheck.facts.build_tools import BuildTools
from envcheck.gate import decide
from envcheck.judge import Selection, judge, select
from envcheck.policy import Policy, load_policy
from envcheck.remember import Memory, collect_remembering
from envcheck.suites import KERNEL_BUILD, KERNELS, KERNELS_GPU

Say = Callable[[str], None]
BUILDING = frozenset(KERNEL_BUILD.checks) - frozenset(KERNELS.checks)
"""What only compiling needs: said, and not required where the kernels are compiled already."""


def prove_kernels(config: RunConfig, selection: Selection, say: Say, *, without_gpu: bool) -> Outcome:
    """Judge toolchain, binaries, loading, shapes and, on a GPU, numbers, path and speed for the layers of a run."""
    config = with_compiled_kernels(config)
    stated = load_policy(config.preflight.policy, VOCABULARY, suite="train-kernels")
    suite = suite_of(config, stated, without_gpu=without_gpu)
    names = select(suite, selection)
    required = tuple(name for name in names if name not in BUILDING)
    policy = Policy(name="test-mamba", required=required, waivers=stated.waivers, expect=stated.expect)
    memory = Memory(config.paths.runs / "preflight" / "seen")
    facts = collect_remembering(suite.requests_at(selection.tier), memory, progress=say)
    contract = RunContract.from_config(config, "train")
    expect = stated.expect.with_records(contract, locked_packages(config, stated))
    context = Context(facts=facts, expect=expect)
    report = replace(judge(suite, CHECKS, context, selection), seen_earlier=tuple(memory.recalled))
    decision = decide(report, policy, today=datetime.now(UTC).date())
    title = f"bgb test-mamba for the layers of {config.name}"
    return Outcome(title=title, report=report, decision=decision, receipt=None)


def with_compiled_kernels(config: RunConfig) -> RunConfig:
    """The same run with `kernel: cuda`: that is what is tested, whatever it trains with."""
    mamba = config.model.mamba.model_copy(update={"kernel": "cuda"})
    return config.model_copy(update={"model": config.model.model_copy(update={"mamba": mamba})})


def suite_of(config: RunConfig, policy: Policy, *, without_gpu: bool) -> Suite:
    """What a build needs, what was built, and what it does; without a GPU, as when an image is built, all but that."""
    judged = KERNELS if without_gpu else KERNELS_GPU
    asked = {request.fact for request in judged.requests}
    requests: dict[type, Request] = {request.fact: request for request in KERNEL_BUILD.requests}
    requests[BuildTools] = Request(fact=BuildTools, parameters={"nvcc_threads": THREADS})
    requests |= {item.fact: item for item in kernel_requests(config, target_of(policy)) if item.fact in asked}
    return Suite(
        name="test-mamba",
        requests=tuple(requests.values()),
        checks={**KERNEL_BUILD.checks, "model_shapes": Tier.QUICK, **judged.checks},
        not_covered=judged.not_covered,
    )
