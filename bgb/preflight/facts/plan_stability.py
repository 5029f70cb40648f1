"""Whether surroundings change the plan: it is resolved in a clean child, in one as things are, and in a poisoned one.

A list of dangerous variables is never complete. This measures the effect instead: three children resolve the same plan
and their digests must be equal. Where they are not, halving what differs finds what does it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from bgb.environment import present
from bgb.variables import FOREIGN, VARIABLES, Values
from envcheck.core import Fact, Tier

SURROUNDINGS: Mapping[str, Mapping[str, str]] = {
    "home folder": {"HOME": "/nonexistent"},
    "locale": {"LANG": "tr_TR.UTF-8", "LC_ALL": "C"},
    "time zone": {"TZ": "Pacific/Kiritimati"},
}
WORKING_DIRECTORY, UMASK = "working directory", "umask"
KEPT = ("PATH", "VIRTUAL_ENV")
"""Without these no child would start."""
SWITCH, COUNT = "1", "7"
TIMEOUT_SECONDS = 120.0
FAILED = "no plan: "


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStability(Fact):
    """The digest of the plan in each child, and what changes it."""

    key: ClassVar[str] = "plan_stability"
    tier: ClassVar[Tier] = Tier.STANDARD
    timeout_seconds: ClassVar[float] = 900.0

    digests: dict[str, str]
    """By child: `clean`, `present`, `poisoned`. One that gave no plan says why instead."""
    culprits: tuple[str, ...]
    poisons: int
    """How many variables and surroundings the poisoned child had."""

    @classmethod
    def observe(cls, request: str) -> Self:
        """Resolve `request`, the JSON that `bgb.preflight.resolve` reads, three times; more where digests differ."""
        clean = {name: value for name, value in present().items() if name in KEPT}
        with tempfile.TemporaryDirectory() as elsewhere:

            def digest(poisons: Mapping[str, Mapping[str, str]]) -> str:
                return _resolve(request, clean, poisons, Path(elsewhere))

            as_is = {name: {name: value} for name, value in present().items() if name not in KEPT}
            poisoned = all_poisons()
            digests = {"clean": digest({}), "present": digest(as_is), "poisoned": digest(poisoned)}
            culprits = [
                *_culprits(as_is, digests["clean"], digests["present"], digest),
                *_culprits(poisoned, digests["clean"], digests["poisoned"], digest),
            ]
        return cls(digests=digests, culprits=tuple(dict.fromkeys(culprits)), poisons=len(poisoned))


def all_poisons() -> dict[str, Mapping[str, str]]:
    """Every declared and every foreign variable with a value it could have, and odd surroundings."""
    own = {name: COUNT if variable.values is Values.COUNT else SWITCH for name, variable in VARIABLES.items()}
    foreign = {row.pattern.replace("*", "POISON"): row.poison for row in FOREIGN if "[" not in row.pattern}
    variables = {name: {name: value} for name, value in {**own, **foreign}.items() if value}
    return {**variables, **SURROUNDINGS, WORKING_DIRECTORY: {}, UMASK: {}}


def _culprits(
    poisons: Mapping[str, Mapping[str, str]],
    clean: str,
    found: str,
    digest: Callable[[Mapping[str, Mapping[str, str]]], str],
) -> list[str]:
    if found == clean:
        return []

    def differs(names: Sequence[str]) -> bool:
        return digest({name: poisons[name] for name in names}) != clean

    return find_culprits(list(poisons), differs)


def find_culprits(names: Sequence[str], differs: Callable[[Sequence[str]], bool]) -> list[str]:
    """The smallest group that halving finds for which `differs` holds; it holds for all of `names`.

    Two that only act together are both kept.
    """
    if len(names) == 1:
        return list(names)
    half = len(names) // 2
    for part in (names[:half], names[half:]):
        if differs(part):
            return find_culprits(part, differs)
    return list(names)


def _resolve(request: str, clean: Mapping[str, str], poisons: Mapping[str, Mapping[str, str]], elsewhere: Path) -> str:
    environ = dict(clean)
    for variables in poisons.values():
        environ |= variables
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-m", "bgb.preflight.resolve"],
            input=request,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=environ,
            cwd=elsewhere if WORKING_DIRECTORY in poisons else Path.cwd(),
            umask=0o077 if UMASK in poisons else -1,
        )
    except subprocess.TimeoutExpired:
        return f"{FAILED}no answer within {TIMEOUT_SECONDS:g} s"
    if answer.returncode != 0:
        last_words = answer.stderr.strip().rpartition(os.linesep)[2]
        return f"{FAILED}{last_words[:200]}"
    return answer.stdout.strip()
