"""No patient is in two splits.

A model that has seen a patient recognises the patient: scores on dev then say nothing about new patients. A random
split of recordings does this (579 patients with about 8 recordings each), and so does a folder copied to the wrong
place.

How to fix: use `data.split.policy: official` or `holdout`, which splits by patient; or move the recordings named
below to one split.
"""

from __future__ import annotations

from itertools import combinations

from bgb.plan import RunPlan
from bgb.preflight.contract import RunContract
from bgb.preflight.roster import roster_of
from envcheck.core import Context, Evidence, Finding


def check(context: Context) -> Finding:
    """Compare the patients of every two splits."""
    contract = context.expect[RunContract]
    roster = roster_of(context.facts, contract)
    patients = {str(split): {member.patient for member in members} for split, members in roster.members.items()}
    shared = {
        (one, other): sorted(patients[one] & patients[other])
        for one, other in combinations(sorted(patients), 2)
        if patients[one] & patients[other]
    }
    if not patients or not all(patients.values()):
        empty = ", ".join(split for split in contract.splits if not patients.get(split)) or "every split"
        return Finding.unknown(
            f"no patient to compare in {empty}", remedy="bgb plan CONFIG shows the recordings of each split"
        )
    if not shared:
        sizes = ", ".join(f"{len(names)} in {split}" for split, names in patients.items())
        return Finding.passed(f"no patient is in two splits ({sizes})")
    evidence = [
        Evidence(
            subject=f"{one} and {other}",
            found=f"{len(names)} patients in both: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}",
            expected="none",
        )
        for (one, other), names in shared.items()
    ]
    policy = context.expect[RunPlan].split_policy
    why = f"; data.split.policy is {policy}, which splits one patient's files" if policy == "holdout_by_file" else ""
    return Finding.failed(
        f"{sum(map(len, shared.values()))} patients are in two splits{why}",
        *evidence,
        remedy="set data.split.policy to official or holdout in the configuration",
    )
