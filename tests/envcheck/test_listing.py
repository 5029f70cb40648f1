from __future__ import annotations

from envcheck.core import Entry, Facts, Unseen
from envcheck.listing import catalogue, catalogue_text, facts_text
from tests.envcheck.toy_facts import Sea, Weather
from tests.envcheck.toy_suite import CHECKS, SUITE


def test_facts_are_listed_with_their_fields_or_why_there_are_none() -> None:
    facts = Facts(
        {
            "weather": Entry.of(Weather(celsius=21.5, rain=False), seconds=0.25),
            "sea": Entry(schema=1, value=Unseen(reason="fog"), seconds=20.0),
        }
    )
    assert facts_text(facts) == (
        "sea  (20.00 s)\n  not seen: fog\n\nweather  (0.25 s)\n  celsius: 21.5\n  rain: false\n"
    )


def test_a_long_fact_is_shown_in_part() -> None:
    facts = Facts({"big": Entry(schema=1, value={f"field{i:02}": "x" * 200 for i in range(20)})})
    lines = facts_text(facts).splitlines()
    assert lines[-1] == "  and 8 more; --json shows all"
    assert lines[1] == f"  field00: {'x' * 97}..."
    assert len(lines) == 14


def test_a_catalogue_has_a_line_for_everything() -> None:
    kinds = catalogue({"weather": Weather, "sea": Sea}, {"is_dry": CHECKS["is_dry"]}, {"walk": SUITE})
    assert kinds["facts"]["sea"] == "A fact that only a deeper tier looks at. [deep]"
    assert kinds["checks"]["is_dry"] == (
        "A suite small enough to judge in one's head: a walk needs dry weather, and a greeting if one was expected."
    )
    assert kinds["suites"] == {"walk": "is_dry, greets, is_calm"}
    assert catalogue_text(kinds).splitlines()[:3] == [
        "facts",
        "  weather  A fact that behaves. [quick]",
        "  sea      A fact that only a deeper tier looks at. [deep]",
    ]


def test_a_catalogue_of_nothing_has_headings() -> None:
    assert catalogue_text({"facts": {}, "checks": {}}) == "facts\n\nchecks\n"
