"""What is installed is what the lock pins, nothing less and nothing else.

A plain `pip install` of one more package moves others: numpy to 2 beside a torch that needs 1, transformers to 5
beside a mamba-ssm that imports what 5 removed, setuptools away from a triton that imports it without saying so.
`pip check` passes in all three cases.

How to fix: install the lock. `~` is installed in another version, `+` is missing, `-` is not in the lock. A package
that belongs there goes into the lock; one that may stay without a pin goes into `allow_unlisted` of the policy.
"""

from __future__ import annotations

import re

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPackages, LockedPackages
from envcheck.facts.packages import Packages
from envcheck.remedies import reinstall, uninstall

# PyPI and the index of PyTorch call one build 2.2.2 and 2.2.2+cu121 in its metadata; torch_build reads what it is.
_BUILD_ELSEWHERE = frozenset({"torch"})
_IN_SUMMARY = 4


def check(context: Context) -> Finding:
    """Plan what an installer would do, as lines of `~`, `+` and `-`."""
    if LockedPackages.key not in context.expect:
        return Finding.unknown("no lock was given", remedy="envcheck judge --lock constraints.txt")
    lock, allowed = context.expect[LockedPackages], context.expect[ExpectedPackages].allow_unlisted
    installed = {package.name: package.version or "?" for package in reversed(context.facts[Packages].packages)}
    changed, missing, unlisted = _plan(lock, installed, allowed)
    if not (changed or missing or unlisted):
        return Finding.passed(
            f"{len(lock.required)} packages are as {lock.file} pins them",
            Evidence(subject=lock.file, found=lock.digest),
        )
    commands = []
    if changed or missing:
        commands.append(reinstall(context))
    if unlisted:
        commands.append(uninstall(context, *(item.subject.removeprefix("- ") for item in unlisted)))
    plan = (*changed, *missing, *unlisted)
    return Finding.failed(_summary(plan, lock), *plan, remedy=" && ".join(commands))


def _plan(
    lock: LockedPackages, installed: dict[str, str], allowed: tuple[str, ...]
) -> tuple[list[Evidence], list[Evidence], list[Evidence]]:
    pinned = {**lock.optional, **lock.required}
    changed = [
        Evidence(subject=f"~ {name}", found=installed[name], expected=version)
        for name, version in sorted(pinned.items())
        if name in installed and not _same(name, installed[name], version)
    ]
    missing = [
        Evidence(subject=f"+ {name}", found="not installed", expected=version)
        for name, version in sorted(lock.required.items())
        if name not in installed
    ]
    unlisted = [
        Evidence(subject=f"- {name}", found=version, expected="not installed")
        for name, version in sorted(installed.items())
        if name not in pinned and name not in allowed
    ]
    return changed, missing, unlisted


def _same(name: str, found: str, pinned: str) -> bool:
    if name in _BUILD_ELSEWHERE and "+" not in pinned:
        found = found.partition("+")[0]
    # older builds write 2020.06.20 where a lock has the normalised 2020.6.20
    return re.sub(r"\b0+(?=\d)", "", found) == pinned


def _summary(plan: tuple[Evidence, ...], lock: LockedPackages) -> str:
    lines = [_line(item) for item in plan[:_IN_SUMMARY]]
    more = [f"{len(plan) - _IN_SUMMARY} more"] if len(plan) > _IN_SUMMARY else []
    return f"{len(plan)} differ from {lock.file}: {', '.join(lines + more)}"


def _line(item: Evidence) -> str:
    if item.subject.startswith("~"):
        return f"{item.subject} {item.found} (pinned {item.expected})"
    return f"{item.subject} {item.expected if item.subject.startswith('+') else item.found}"
