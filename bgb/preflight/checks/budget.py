"""The run fits its budget.

FP32 and a small batch once made a $319 run a $3,190 one. Steps of the plan, times the seconds that a step was measured
to take, times the price of the device, are known before anything is rented.

How to fix: shorten the run, make a step faster, or raise `budget` deliberately.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.step_speed import StepSpeed
from envcheck.core import Context, Evidence, Finding, NotSeen


def check(context: Context) -> Finding:
    """Compare the plan's hours and dollars with the budget; what is not known is UNKNOWN."""
    contract, plan = context.expect[RunContract], context.expect[RunPlan]
    hours = plan.hours if plan.hours is not None else _measured_hours(context, plan)
    usd = None if hours is None or contract.usd_per_hour is None else hours * contract.usd_per_hour
    rows = [
        ("hours", hours, contract.max_hours, "train.seconds_per_step, or measure it with --tier deep"),
        ("USD", usd, contract.max_usd, "budget.usd_per_hour and train.seconds_per_step"),
    ]
    limited = [row for row in rows if row[2] is not None]
    if not limited:
        return Finding.unknown(
            "the configuration states no budget", remedy="add budget.max_hours or budget.max_usd to the configuration"
        )
    for unit, estimate, limit, needs in limited:
        if estimate is None:
            return Finding.unknown(
                f"the budget is {limit:g} {unit}, the estimate is not known", remedy=f"state {needs}"
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


def _measured_hours(context: Context, plan: RunPlan) -> float | None:
    """From the steps that were taken here, where the configuration states none and somebody looked that deep."""
    try:
        seconds = context.facts[StepSpeed].seconds
    except NotSeen:
        return None
    return None if seconds is None else plan.steps * seconds / 3600
