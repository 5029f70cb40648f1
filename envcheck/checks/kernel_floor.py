"""The system's C and C++ libraries are new enough for the kernels' binaries.

Kernels linked on Debian 12 need glibc 2.32 and GLIBCXX_3.4.29, so they do not load on Ubuntu 20.04; the platform tag
`linux_x86_64` of their wheels does not say so, and the first import does, on the machine that was rented.

How to fix: use the image that the kernels were built in, or compile them in the oldest one that has to run them.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.kernel_binaries import KernelBinaries, KernelBinary
from envcheck.facts.machine import Machine
from envcheck.remedies import build_kernels


def check(context: Context) -> Finding:
    """Compare the highest versions that the extensions ask for with those of the libraries that the loader finds."""
    seen, machine = context.facts[KernelBinaries], context.facts[Machine]
    readable = [binary for binary in seen.binaries if binary.error is None]
    if not readable:
        return Finding.unknown("there is no compiled extension to read", remedy=build_kernels())
    needs = list(_needs(readable, {"glibc": machine.glibc, "GLIBCXX": seen.glibcxx}))
    short = [item for item, enough in needs if enough is False]
    if short:
        summary = f"{short[0].subject} is {short[0].found}, the kernels need {short[0].expected}"
        return Finding.failed(summary, *short, remedy=build_kernels())
    unseen = [item for item, enough in needs if enough is None]
    if unseen:
        return Finding.unknown(
            f"the {unseen[0].subject} of this system could not be read", *unseen, remedy="ldconfig -p | grep libstdc++"
        )
    return Finding.passed("the C and C++ libraries are new enough", *(item for item, _ in needs))


def _needs(binaries: list[KernelBinary], here: dict[str, str | None]) -> Iterator[tuple[Evidence, bool | None]]:
    for binary in binaries:
        for family, needed in (("glibc", binary.glibc), ("GLIBCXX", binary.glibcxx)):
            if needed is not None:
                found = here[family]
                enough = None if found is None else _order(found) >= _order(needed)
                name = binary.path.rpartition("/")[2]
                expected = f"{needed} or newer ({name})"
                yield Evidence(subject=family, found=found or "not found", expected=expected), enough


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
