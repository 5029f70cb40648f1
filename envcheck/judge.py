"""From facts to findings. Pure but for the clock: the same facts give the same verdicts, anywhere and any day."""

from __future__ import annotations

import json
import shlex
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from envcheck.core import (
    Check,
    Context,
    Finding,
    Judged,
    NotSeen,
    Report,
    Request,
    Suite,
    Tier,
)
from envcheck.errors import CheckFault, SelectionError, nearest
from envcheck.observe import address_of, describe

MAX_PARAMETERS = 200
"""Longer parameters than this make no command that one would paste."""
EXPECT = "expect."
"""What precedes the key of an expectation among the things that a check read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How deep to look, and which checks to run alone or to leave out. Either makes the report partial."""

    tier: Tier
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        return bool(self.only or self.skip)


def judge(
    suite: Suite, checks: Mapping[str, Check], context: Context, selection: Selection, *, now: datetime | None = None
) -> Report:
    """Run the suite's checks at this tier. A check that needs what was not seen is UNKNOWN, never passed.

    `SelectionError` for a name that the suite does not have; `CheckFault` when a check itself breaks.
    """
    names = select(suite, selection)
    return Report(
        suite=suite.name,
        tier=selection.tier,
        partial=selection.partial,
        results=tuple(judge_one(name, _find(name, checks, suite), context, suite) for name in names),
        not_checked=_not_checked(suite, selection, names),
        facts_digest=context.facts.digest(),
        expect_digest=context.expect.digest(),
        observe_seconds=max((entry.seconds for entry in context.facts.values()), default=0.0),
        judged_at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
    )


def select(suite: Suite, selection: Selection) -> tuple[str, ...]:
    """The names of the checks to run, in the suite's order."""
    for name in (*selection.only, *selection.skip):
        if name not in suite.checks:
            raise SelectionError(f"suite '{suite.name}' has no check '{name}'; {nearest(name, suite.checks)}")
    for name in selection.only:
        if not selection.tier.includes(suite.checks[name]):
            raise SelectionError(
                f"check '{name}' runs from tier {suite.checks[name]}; ask for --tier {suite.checks[name]}"
            )
    chosen = suite.checks_at(selection.tier)
    return tuple(
        name for name in chosen if name not in selection.skip and (not selection.only or name in selection.only)
    )


def judge_one(name: str, check: Check, context: Context, suite: Suite) -> Judged:
    """One check's finding, with what it read and what that cost."""
    seen: set[str] = set()
    stated: set[str] = set()
    started = time.perf_counter()
    try:
        finding = check(Context(facts=context.facts.tracing(seen), expect=context.expect.tracing(stated)))
    except NotSeen as missing:
        finding = _unseen(missing, suite)
    except Exception as error:
        raise CheckFault(_describe_fault(name, error)) from error
    if not isinstance(finding, Finding):
        raise CheckFault(
            f"check '{name}' returned {type(finding).__name__}, expected a Finding; this is a fault of the check"
        )
    spent = time.perf_counter() - started
    return Judged(
        check=name,
        finding=finding,
        seconds=spent + max((context.facts[key].seconds for key in seen if key in context.facts), default=0.0),
        reads=(*sorted(seen), *(f"{EXPECT}{key}" for key in sorted(stated))),
    )


def _find(name: str, checks: Mapping[str, Check], suite: Suite) -> Check:
    if name not in checks:
        raise CheckFault(f"suite '{suite.name}' lists check '{name}', which does not exist; {nearest(name, checks)}")
    return checks[name]


def _unseen(missing: NotSeen, suite: Suite) -> Finding:
    """Why a check could not be made, and how to get what it missed. A `NotSeen` begins with the key of the record."""
    message = str(missing)
    key = message.partition(":")[0].partition(" ")[0].partition(".")[0]
    if message.endswith("was not stated"):
        stated = f"[{EXPECT}{key}]"
        return Finding.unknown(f"could not check: {stated} was not stated", remedy=f"state {stated} in the policy")
    requests = {request.fact.key: request for request in suite.requests}
    remedy = observe_command(requests[key]) if key in requests else "observe the facts again"
    return Finding.unknown(f"could not check: {message}", remedy=remedy)


def observe_command(request: Request) -> str:
    """The command that looks at one fact alone."""
    module = request.fact.__module__
    name = request.fact.key if module.startswith("envcheck.facts.") else address_of(request.fact)
    parameters = json.dumps(dict(request.parameters))
    given = f" --with {shlex.quote(parameters)}" if request.parameters and len(parameters) <= MAX_PARAMETERS else ""
    return f"envcheck observe {name}{given}"


def _not_checked(suite: Suite, selection: Selection, names: tuple[str, ...]) -> tuple[str, ...]:
    def why(name: str) -> str:
        needed = suite.checks[name]
        return "left out of this run" if selection.tier.includes(needed) else f"runs from tier {needed}"

    left_out = tuple(f"{name}: {why(name)}" for name in suite.checks if name not in names)
    return left_out + suite.not_covered


def _describe_fault(name: str, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    return f"check '{name}' broke: {describe(error)} ({where}); this is a fault of the check, nothing was judged"
