"""The run fits its budget.

FP32 and a small batch once made a $319 run a $3,190 one. Steps of the plan, times the seconds that a step was measured
to take, times the price of the device, are known before anything is rented.

How to fix: shorten the run, make a step faster, or raise `budget` deliberately.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from bgb.preflight.contract import RunContract
from envcheck.core import Context, Evidence, Finding


def check(context: Context) -> Finding:
    """Compare the plan's hours and dollars with the budget; what is not known is UNKNOWN."""
    contract, plan = context.expect[RunContract], context.expect[RunPlan]
    rows = [
        ("hours", plan.hours, contract.max_hours, "train.seconds_per_step"),
        ("USD", plan.usd, contract.max_usd, "budget.usd_per_hour and train.seconds_per_step"),
    ]
    limited = [row for row in rows if row[2] is not None]
    if not limited:
        return Finding.unknown(
            "the configuration states no budget", remedy="add budget.max_hours or budget.max_usd to the configuration"
        )
    for unit, estimate, limit, needs in limited:
        if estimate is None:
            return Finding.unknown(
                f"the budget is {limit:g} {unit}, the estimate is not known", remedy=f"state {needs}, measured"
            )
    evidence = [
        Evidence(subject=unit, found=f"{estimate:.3g}", expected=f"at most {limit:g}")
        for unit, estimate, limit, _ in limited
    ]
    over = [row for row in limited if row[1] is not None and row[2] is not None and row[1] > row[2]]
    summary = ", ".join(f"{item.found} {item.subject} ({item.expected})" for item in evidence)
    if over:
        return Finding.failed(f"over budget: {summary}", *evidence, remedy="lower train.epochs or raise the budget")
    return Finding.passed(f"within budget: {summary}", *evidence)
