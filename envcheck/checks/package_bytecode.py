"""What Python runs is compiled from the source that lies there.

Python takes a `.pyc` for current when its header names the size and time of its source, and an unchecked one always.
Images and archives give all files one time, so an update that keeps a file's size goes on running the old code: the
source reads right, its hash is right, and something else runs.

How to fix: delete the bytecode; Python compiles it anew.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.package_bytecode import PackageBytecode
from envcheck.remedies import environment_prefix

_SHOWN = 10


def check(context: Context) -> Finding:
    """Look for bytecode that differs from its source compiled afresh."""
    seen = context.facts[PackageBytecode]
    looked_at = ", ".join(seen.packages)
    if not seen.packages:
        return Finding.unknown("no package was looked at", remedy="envcheck observe package_bytecode")
    if not seen.stale:
        return Finding.passed(f"{seen.files} compiled modules of {looked_at} are what their sources say")
    return Finding.failed(
        f"{seen.stale[0]} reads one way and runs another"
        + (f", and {len(seen.stale) - 1} more" if seen.stale[1:] else ""),
        *(
            Evidence(subject=path, found="bytecode of another source", expected="this source, compiled")
            for path in seen.stale[:_SHOWN]
        ),
        remedy=f"find {environment_prefix(context)} -name '*.pyc' -delete",
    )
