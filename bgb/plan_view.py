"""A plan as a person reads it, or as JSON."""

from __future__ import annotations

import io
import json

from rich.console import Console
from rich.table import Table

from bgb.plan import RunPlan
from envcheck.core import encode


def show_plan(plan: RunPlan, *, as_json: bool) -> str:
    """The plan with its digest, ending without a newline."""
    if as_json:
        return json.dumps({"schema_version": 1, "plan": encode(plan), "digest": plan.digest()}, indent=1)
    console = Console(file=io.StringIO(), width=100, highlight=False)
    console.print(f"[bold]{plan.name}[/bold] for {plan.purpose}   plan {plan.digest()[:12]}")
    console.print(_splits(plan))
    for label, value in _lines(plan):
        console.print(f"{label:>15}  {value}")
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().rstrip("\n")


def _splits(plan: RunPlan) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("split")
    for heading in (
        "recordings",
        "patients",
        "with seizures",
        "refused",
        "hours",
        "seizure",
        "none",
        "partial",
        "full",
    ):
        table.add_column(heading, justify="right")
    for split, part in plan.splits.items():
        share = 100 * part.seizure_hours / part.hours if part.hours else 0.0
        counts = (part.recordings, part.patients, part.recordings_with_seizures, part.refused)
        windows = (part.no_seizure, part.partial_seizure, part.full_seizure)
        table.add_row(
            split,
            *(f"{count:,}" for count in counts),
            f"{part.hours:,.2f}",
            f"{share:.1f} %",
            *(f"{count:,}" for count in windows),
        )
    return table


def _lines(plan: RunPlan) -> list[tuple[str, str]]:
    limit = "none" if plan.limit_files is None else f"{plan.limit_files} recordings a split"
    time = "unknown: state train.seconds_per_step" if plan.hours is None else _duration(plan.hours)
    cost = "unknown: state budget.usd_per_hour" if plan.usd is None else f"${plan.usd:,.2f}"
    lines = [("limit", limit), ("cache", _size(plan.cache_bytes))]
    if plan.purpose == "train":
        lines += [
            ("split policy", plan.split_policy),
            ("device", f"{plan.device}, {plan.precision}, Mamba kernel: {plan.kernel}"),
            *(("CHANGED", sentence) for sentence in plan.coerced),
            (
                "steps",
                f"{plan.steps:,} = {plan.epochs} epochs x {plan.steps_per_epoch:,} steps of {plan.batch_size} windows "
                f"({plan.windows_per_epoch:,} balanced windows an epoch)",
            ),
            ("events", plan.events),
            ("estimated time", time),
            ("estimated cost", cost),
        ]
    return lines


def _duration(hours: float) -> str:
    minutes = hours * 60
    return f"{hours:,.1f} h" if hours >= 2 else f"{minutes:.1f} min" if minutes >= 2 else f"{minutes * 60:.0f} s"


def _size(count: int) -> str:
    return f"{count / 1e9:,.2f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
