"""Imports find the installed packages and the standard library, nothing in front of them.

A folder on `PYTHONPATH`, the user's own site-packages, or a file beside the script that is started comes before the
environment. The metadata goes on reporting the pinned version while other code runs: `einops` was 0.8.2 by every tool
and `0.0.shadow` when imported. Started inside a source checkout, a package loses its compiled modules.

How to fix: unset `PYTHONPATH` and `PYTHONUSERBASE`, set `PYTHONNOUSERSITE=1`, and start from a folder without files
named like packages, or with `python -P`.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPackages
from envcheck.facts.shadowing import PathEntry, Shadow, Shadowing, Source
from envcheck.remedies import reinstall

_IN_FRONT = (Source.PYTHONPATH, Source.USER_SITE)
_SHOWN = 10


def check(context: Context) -> Finding:
    """Look for modules that do not resolve to the file their owner installed."""
    seen = context.facts[Shadowing]
    allowed = context.expect[ExpectedPackages].allow_unlisted
    shadows = [shadow for shadow in seen.shadows if shadow.package not in allowed]
    in_front = tuple(
        Evidence(subject=entry.source, found=entry.path, expected="not on the path")
        for entry in seen.path
        if entry.source in _IN_FRONT
    )
    if not seen.modules:
        return Finding.unknown("no module was resolved", remedy="envcheck observe shadowing")
    if not shadows:
        return Finding.passed(f"{seen.modules} modules resolve to the files of their owners", *in_front)
    return Finding.failed(
        _summary(shadows),
        *(_evidence(shadow) for shadow in shadows[:_SHOWN]),
        *in_front,
        remedy=_remedy(context, shadows, seen.path),
    )


def _summary(shadows: list[Shadow]) -> str:
    first = shadows[0]
    where = f"at {first.found}" if first.found else "nowhere, though it is installed"
    when = " when started with `python -m` from here" if first.working_directory else ""
    more = f", and {len(shadows) - 1} more" if len(shadows) > 1 else ""
    return f"`import {first.module}` finds it {where}{when}{more}"


def _evidence(shadow: Shadow) -> Evidence:
    return Evidence(subject=shadow.module, found=shadow.found or "not found", expected=f"the file of {shadow.package}")


def _remedy(context: Context, shadows: list[Shadow], path: tuple[PathEntry, ...]) -> str:
    unresolved = [shadow.package for shadow in shadows if shadow.found is None]
    if unresolved:
        return reinstall(context, *dict.fromkeys(unresolved))
    sources = {entry.source for entry in path}
    if Source.PYTHONPATH in sources:
        return "unset PYTHONPATH"
    if Source.USER_SITE in sources:
        return "export PYTHONNOUSERSITE=1"
    found = " ".join(shadow.found for shadow in shadows if shadow.found)
    return f"export PYTHONSAFEPATH=1  # or rename {found}"
