"""The literal dicts know everything that there is, and everything in them says what it is for."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import envcheck.checks
import envcheck.facts
from envcheck.checks import CHECKS
from envcheck.core import Fact
from envcheck.expectations import EXPECTATIONS
from envcheck.explain import explain
from envcheck.policy import Vocabulary, load_policy
from envcheck.suites import FACTS, SUITES

POLICIES = Path(__file__).resolve().parents[2] / "configs" / "policies"
ROOM_FOR_A_LINE = 90


def modules_of(package: Path) -> set[str]:
    return {path.stem for path in package.glob("*.py")} - {"__init__"}


def test_every_file_of_facts_and_checks_is_registered_under_its_name() -> None:
    assert set(FACTS) == modules_of(Path(inspect.getfile(envcheck.facts)).parent)
    assert set(CHECKS) == modules_of(Path(inspect.getfile(envcheck.checks)).parent)
    assert {name: fact.key for name, fact in FACTS.items()} == {name: name for name in FACTS}
    assert [CHECKS[name].__module__ for name in CHECKS] == [f"envcheck.checks.{name}" for name in CHECKS]
    assert list(FACTS) == sorted(FACTS)
    assert list(CHECKS) == sorted(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_says_what_it_is_why_it_matters_and_how_to_fix_it(name: str) -> None:
    explanation = explain(name, CHECKS[name])
    assert explanation.title.endswith(".")
    assert len(explanation.title) <= ROOM_FOR_A_LINE
    assert explanation.why
    assert explanation.fix.endswith(".")
    assert inspect.getdoc(CHECKS[name])


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_says_what_it_sees_and_has_a_limit(name: str) -> None:
    assert inspect.getdoc(FACTS[name])
    assert inspect.getdoc(FACTS[name].observe) != inspect.getdoc(Fact.observe)
    assert 0 < FACTS[name].timeout_seconds <= 900


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_asks_only_for_checks_that_exist_and_says_what_it_leaves_out(name: str) -> None:
    suite = SUITES[name]
    assert suite.name == name
    assert set(suite.checks) <= set(CHECKS)
    assert len({request.fact.key for request in suite.requests}) == len(suite.requests)
    assert suite.not_covered


def test_every_check_and_every_fact_belongs_to_an_occasion() -> None:
    assert set().union(*(suite.checks for suite in SUITES.values())) == set(CHECKS)
    asked = {request.fact.key for suite in SUITES.values() for request in suite.requests}
    assert asked == set(FACTS)


def test_what_a_policy_may_state_is_registered_under_its_key() -> None:
    assert {key: kind.key for key, kind in EXPECTATIONS.items()} == {key: key for key in EXPECTATIONS}


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shipped_policies_state_what_the_general_checks_expect(path: Path) -> None:
    known = {*CHECKS, *_checks_of_the_project()}
    suites = ("cache", "train", "train-gpu", "train-kernels")
    vocabulary = Vocabulary(checks=known, suites=suites, expectations=EXPECTATIONS)
    for suite in suites:
        policy = load_policy(path, vocabulary, suite=suite)
        assert set(policy.expect) >= {"python", "packages", "torch", "machine", "gpu"}
        assert {"python_version", "packages_locked", "package_files", "import_shadowing"} <= set(policy.required)


def _checks_of_the_project() -> set[str]:
    return modules_of(Path(__file__).resolve().parents[2] / "bgb" / "preflight" / "checks")
