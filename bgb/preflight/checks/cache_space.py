"""The disk has room for the cache.

A full disk shows after hours of building, or as a truncated file when training starts.

How to fix: free some space, or set `paths.cache` to a larger disk.
"""

from __future__ import annotations

from bgb.plan import RunPlan
from envcheck.core import Context, Evidence, Finding
from envcheck.facts.machine import Machine

MARGIN = 1.05


def check(context: Context) -> Finding:
    """Compare the plan's cache with the free space where it goes."""
    plan, machine = context.expect[RunPlan], context.facts[Machine]
    disk = next((disk for disk in machine.disks if disk.name == "cache"), None)
    if disk is None:
        return Finding.unknown("the disk of the cache was not looked at", remedy="bgb preflight CONFIG --for cache")
    needed = plan.cache_bytes * MARGIN
    evidence = Evidence(
        subject="free space for the cache", found=_gigabytes(disk.free_bytes), expected=_gigabytes(needed)
    )
    if not disk.writable:
        return Finding.failed(
            f"the cache cannot be written to {disk.path}",
            Evidence(subject=disk.path, found="not writable", expected="writable"),
            remedy="set paths.cache to a folder that can be written",
        )
    if disk.free_bytes < needed:
        return Finding.failed(
            f"{evidence.found} free, the cache needs {evidence.expected}", evidence, remedy=f"free space on {disk.path}"
        )
    return Finding.passed(f"{evidence.found} free, the cache needs {evidence.expected}", evidence)


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
