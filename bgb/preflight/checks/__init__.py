"""What must be true of a run of this project. One file a check, one line here, one test."""

from __future__ import annotations

from collections.abc import Mapping

from bgb.preflight.checks import (
    budget,
    cache_space,
    corpus_readable,
    environment,
    mamba_kernel,
    manifest_current,
    model_shapes,
    patients_disjoint,
    plan_stable,
    run_contract,
    seizures_present,
    step_speed,
)
from envcheck.core import Check

CHECKS: Mapping[str, Check] = {
    "budget": budget.check,
    "cache_space": cache_space.check,
    "corpus_readable": corpus_readable.check,
    "environment": environment.check,
    "mamba_kernel": mamba_kernel.check,
    "manifest_current": manifest_current.check,
    "model_shapes": model_shapes.check,
    "patients_disjoint": patients_disjoint.check,
    "plan_stable": plan_stable.check,
    "run_contract": run_contract.check,
    "seizures_present": seizures_present.check,
    "step_speed": step_speed.check,
}

NEVER_WAIVED = frozenset({"environment", "mamba_kernel", "patients_disjoint"})
