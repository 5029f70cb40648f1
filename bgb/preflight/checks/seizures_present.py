"""The labels promise seizures, and the windows hold them.

Labels read in the wrong format gave 250,000 windows without one seizure, and the training ran. A split without a
positive window can be neither learned from nor scored on.

How to fix: look at the label files (`.csv_bi` beside each `.edf`: channel,start_time,stop_time,label,confidence), then
build the cache again.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from envcheck.core import Context, Evidence, Finding

NEEDED = ("train", "dev")


def check(context: Context) -> Finding:
    """Count recordings with seizures, seizure time, and partial and full windows in train and dev."""
    plan = context.expect[RunPlan]
    evidence = [
        Evidence(
            subject=split,
            found=f"{part.recordings_with_seizures} of {part.recordings} recordings, "
            f"{part.partial_seizure} partial and {part.full_seizure} full windows",
            expected="at least one",
        )
        for split, part in plan.splits.items()
        if split in NEEDED
    ]
    empty = [
        split
        for split in NEEDED
        if split not in plan.splits or not plan.splits[split].partial_seizure + plan.splits[split].full_seizure
    ]
    if empty:
        return Finding.failed(
            f"no window with a seizure in {' and '.join(empty)}",
            *evidence,
            remedy="check the .csv_bi files of the corpus, then: bgb build-cache CONFIG",
        )
    share = ", ".join(
        f"{split} {100 * part.seizure_hours / part.hours:.1f} %"
        for split, part in plan.splits.items()
        if split in NEEDED and part.hours
    )
    return Finding.passed(f"seizures in every split that needs them (share of time: {share})", *evidence)
