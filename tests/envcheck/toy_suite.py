"""A suite small enough to judge in one's head: a walk needs dry weather, and a greeting if one was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from envcheck.core import (
    Check,
    Context,
    Entry,
    Evidence,
    Expectation,
    Expectations,
    Facts,
    Finding,
    Judged,
    Report,
    Request,
    Suite,
    Tier,
    Verdict,
)
from tests.envcheck.toy_facts import Greeting, Sea, Weather

NOON = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedGreeting(Expectation):
    key: ClassVar[str] = "greeting"

    text: str
    loud: bool = False
    languages: tuple[str, ...] = ()


def is_dry(context: Context) -> Finding:
    """It does not rain."""
    weather = context.facts[Weather]
    if weather.rain:
        rain = Evidence(subject="rain", found="yes", expected="no")
        return Finding.failed("it rains", rain, remedy="take an umbrella")
    return Finding.passed(f"it is dry at {weather.celsius:g} degrees")


def greets(context: Context) -> Finding:
    """The greeting is the expected one."""
    expected, found = context.expect[ExpectedGreeting].text, context.facts[Greeting].text
    if found == expected:
        return Finding.passed(f"{found} was said")
    return Finding.failed("another greeting was said", remedy=f"say {expected}")


def is_calm(context: Context) -> Finding:
    """The sea is calm."""
    return Finding.passed(f"waves of {context.facts[Sea].metres} m")


CHECKS: dict[str, Check] = {"is_dry": is_dry, "greets": greets, "is_calm": is_calm}

SUITE = Suite(
    name="walk",
    requests=(Request(fact=Weather), Request(fact=Greeting, parameters={"name": "Ana"}), Request(fact=Sea)),
    checks={"is_dry": Tier.QUICK, "greets": Tier.STANDARD, "is_calm": Tier.DEEP},
    not_covered=("whether it will rain tomorrow",),
)


def seen(*, rain: bool = False, text: str = "hello Ana", at: datetime = NOON) -> Facts:
    """Facts as observing at a time would give them."""
    when = at.isoformat()
    return Facts(
        {
            "weather": Entry.of(Weather(celsius=21.5, rain=rain), seconds=0.5, observed_at=when),
            "greeting": Entry.of(Greeting(text=text), seconds=0.1, observed_at=when),
            "sea": Entry.of(Sea(metres=3), seconds=2.0, observed_at=when),
        }
    )


def context_of(facts: Facts | None = None) -> Context:
    """A context in which everything passes, or with other facts."""
    expect = Expectations.of(ExpectedGreeting(text="hello Ana"))
    return Context(facts=seen() if facts is None else facts, expect=expect)


def report_of(verdicts: Mapping[str, Verdict], *, partial: bool = False) -> Report:
    """A report with a check for each verdict."""
    return Report(
        suite="walk",
        tier=Tier.STANDARD,
        partial=partial,
        results=tuple(
            Judged(
                check=name, finding=Finding(verdict=verdict, summary=f"{name} says {verdict}", remedy=f"mend {name}")
            )
            for name, verdict in verdicts.items()
        ),
        not_checked=("is_calm: runs from tier deep", "whether it will rain tomorrow"),
        facts_digest="f" * 64,
        expect_digest="e" * 64,
        judged_at=NOON.isoformat(),
    )
