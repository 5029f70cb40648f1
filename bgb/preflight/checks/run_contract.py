"""The run is as large as its configuration says.

A leaked limit turned a training on 3,734 recordings into one on 50, and nothing compared the two numbers. `expect`
states what the run must turn out to be; the plan says what it is.

How to fix: find the missing recordings, remove the limit named below, or state in `expect` what is really meant.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from bgb.preflight.contract import Promise, RunContract
from envcheck.core import Context, Evidence, Finding


def check(context: Context) -> Finding:
    """Compare what the plan comes to with what the configuration promises, split by split."""
    contract, plan = context.expect[RunContract], context.expect[RunPlan]
    # A cache holds all that is promised; a training never looks at eval.
    promises = [p for p in contract.promises if contract.purpose == "cache" or p.split != "eval"]
    if not any(promise.field == "recordings" for promise in promises):
        return Finding.unknown(
            "the configuration does not say how many recordings to expect",
            remedy="add expect.files to the configuration, with the numbers that bgb plan CONFIG prints",
        )
    broken = [
        Evidence(subject=f"{promise.split}: {promise.what}", found=f"{found:,.10g}", expected=_expected(promise))
        for promise in promises
        if not promise.is_kept_by(found := _found(plan, promise))
    ]
    if broken:
        return Finding.failed(
            f"not the run that is expected: {broken[0].subject} {broken[0].found}, expected {broken[0].expected}",
            *broken,
            *_explanations(contract, plan),
            remedy="bgb plan CONFIG, then mend the corpus, data.limit_files or expect",
        )
    sizes = ", ".join(f"{plan.splits[split].recordings} {split}" for split in plan.splits)
    limit = f", limited to {plan.limit_files} a split" if plan.limit_files else ""
    return Finding.passed(f"{sizes} recordings, as expected{limit}")


def _found(plan: RunPlan, promise: Promise) -> float:
    return float(getattr(plan.splits[promise.split], promise.field)) if promise.split in plan.splits else 0.0


def _expected(promise: Promise) -> str:
    near = f" within {100 * promise.tolerance:g} %" if promise.tolerance else ""
    return f"{promise.number:,.10g}{near}"


def _explanations(contract: RunContract, plan: RunPlan) -> list[Evidence]:
    reasons = []
    if any(part.recordings + part.refused == contract.limit_files for part in plan.splits.values()):
        reasons.append(Evidence(subject="data.limit_files", found=str(contract.limit_files), expected="none"))
    refused = {split: part.refused for split, part in plan.splits.items() if part.refused}
    if refused:
        found = ", ".join(f"{count} in {split}" for split, count in refused.items())
        reasons.append(Evidence(subject="refused recordings", found=found, expected="none"))
    return reasons
