"""The C library is new enough for the compiled packages.

Kernels built on a newer distribution need its C library: `version 'GLIBC_2.32' not found` comes when they are first
loaded, and neither their version nor the platform tag `linux_x86_64` says so. On musl no CUDA build of torch runs.

How to fix: use an image with the C library that the policy names: Debian 12 has 2.36, Ubuntu 22.04 has 2.35.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedMachine
from envcheck.facts.machine import Machine

_IMAGES = {
    "2.31": "debian:11",
    "2.35": "ubuntu:22.04",
    "2.36": "debian:12",
    "2.39": "ubuntu:24.04",
    "2.41": "debian:13",
}


def check(context: Context) -> Finding:
    """Compare the C library's version with the oldest that the policy accepts."""
    machine, floor = context.facts[Machine], context.expect[ExpectedMachine].glibc
    if floor is None:
        return Finding.unknown("the policy states no C library", remedy='glibc = "2.28"  # under [expect.machine]')
    evidence = Evidence(subject="glibc", found=machine.glibc or "another C library", expected=f"{floor} or newer")
    if machine.glibc is not None and _order(machine.glibc) >= _order(floor):
        return Finding.passed(f"glibc {machine.glibc}", evidence, Evidence(subject="system", found=machine.system))
    image = next((image for version, image in _IMAGES.items() if _order(version) >= _order(floor)), "a newer system")
    return Finding.failed(
        f"glibc is {evidence.found}, expected {evidence.expected}",
        evidence,
        Evidence(subject="system", found=machine.system),
        remedy=f"docker run {image}",
    )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
