"""Nothing around the run changes its plan.

A list of dangerous variables is never complete, so the effect is measured: the plan is resolved in a clean process, in
one with the present environment, and in one with every known variable, the working directory, home, locale, umask,
hash seed and time zone poisoned. Three equal digests mean that the configuration alone decides.

How to fix: unset what is named below, and report it: code that reads it breaks the rule that a run is a file.
"""

from __future__ import annotations

from bgb.preflight.facts.plan_stability import PlanStability
from envcheck.core import Context, Evidence, Finding


def check(context: Context) -> Finding:
    """Compare the digests of the three children."""
    seen = context.facts[PlanStability]
    clean = seen.digests["clean"]
    if clean.startswith("no plan"):
        return Finding.unknown(
            f"a process with a clean environment could not resolve the plan: {clean}",
            remedy='env -i PATH="$PATH" bgb plan CONFIG',
        )
    if set(seen.digests.values()) == {clean}:
        return Finding.passed(
            f"the plan is the same in a clean, the present and a poisoned environment ({seen.poisons} poisons)"
        )
    evidence = [
        Evidence(subject=child, found=digest[:60], expected=clean[:60])
        for child, digest in seen.digests.items()
        if digest != clean
    ]
    return Finding.failed(
        f"the plan changes with {', '.join(seen.culprits)}", *evidence, remedy=f"unset {' '.join(seen.culprits)}"
    )
