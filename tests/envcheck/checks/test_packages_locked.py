from __future__ import annotations

import pytest

from envcheck.checks.packages_locked import check
from envcheck.core import Context, Expectations, Finding, Verdict
from envcheck.expectations import LockedPackages
from tests.envcheck.sightings import LOCK, PYTHON, VERSIONS, context, package, packages


def judge(**versions: str | None) -> Finding:
    """The good environment with these versions; None: not installed."""
    installed = {**VERSIONS, **versions}
    return check(context(PYTHON, packages(versions={name: v for name, v in installed.items() if v is not None})))


def plan(finding: Finding) -> list[tuple[str, str, str]]:
    return [(item.subject, item.found, item.expected) for item in finding.evidence]


def test_an_environment_that_is_its_lock_passes() -> None:
    finding = judge()
    assert (finding.verdict, finding.summary) == (Verdict.PASS, "4 packages are as constraints.txt pins them")


def test_the_plan_lists_what_an_installer_would_change_add_and_remove() -> None:
    finding = judge(numpy="2.2.6", setuptools=None, jax="0.4.30")
    assert finding.verdict is Verdict.FAIL
    assert plan(finding) == [
        ("~ numpy", "2.2.6", "1.26.4"),
        ("+ setuptools", "not installed", "84.2.1"),
        ("- jax", "0.4.30", "not installed"),
    ]
    assert finding.summary == (
        "3 differ from constraints.txt: ~ numpy 2.2.6 (pinned 1.26.4), + setuptools 84.2.1, - jax 0.4.30"
    )


def test_a_long_plan_is_counted_in_the_summary() -> None:
    finding = check(context(PYTHON, packages(versions={})))
    assert len(finding.evidence) == 4
    assert finding.summary.endswith("+ torch 2.2.2")
    many = {f"extra-{number}": "1" for number in range(7)}
    assert check(context(PYTHON, packages(versions={**VERSIONS, **many}))).summary.endswith(", 3 more")


@pytest.mark.parametrize("version", ["2.2.2+cu121", "2.2.2"])
def test_the_build_in_torchs_metadata_is_left_to_the_check_that_reads_the_build(version: str) -> None:
    assert judge(torch=version).verdict is Verdict.PASS


def test_any_other_local_version_is_another_version() -> None:
    assert plan(judge(numpy="1.26.4+mkl")) == [("~ numpy", "1.26.4+mkl", "1.26.4")]
    assert plan(judge(torch="2.8.0+cu128")) == [("~ torch", "2.8.0+cu128", "2.2.2")]


def test_dates_with_leading_zeros_are_the_version_that_a_lock_writes_without() -> None:
    lock = LockedPackages(file="constraints.txt", digest="", required={"certifi": "2020.6.20"}, optional={})
    assert check(context(packages(versions={"certifi": "2020.06.20"}), expect=(lock,))).verdict is Verdict.PASS
    assert check(context(packages(versions={"certifi": "2020.06.2"}), expect=(lock,))).verdict is Verdict.FAIL


def test_a_package_of_an_extra_that_was_not_asked_for_may_be_there_in_its_version() -> None:
    assert judge(**{"mamba-ssm": "2.2.2"}).verdict is Verdict.PASS
    assert plan(judge(**{"mamba-ssm": "2.3.1"})) == [("~ mamba-ssm", "2.3.1", "2.2.2")]


def test_a_package_without_metadata_has_no_version_to_compare() -> None:
    seen = packages(package("torch", None), versions={name: v for name, v in VERSIONS.items() if name != "torch"})
    assert plan(check(context(PYTHON, seen))) == [("~ torch", "?", "2.2.2")]


def test_of_two_copies_the_first_on_the_path_counts() -> None:
    seen = packages(package("numpy", "1.26.4"), versions={**VERSIONS, "numpy": "2.2.6"})
    assert plan(check(context(PYTHON, seen))) == [("~ numpy", "2.2.6", "1.26.4")]


def test_without_a_lock_nothing_is_compared() -> None:
    seen = context(packages())
    stated = Expectations({key: entry for key, entry in seen.expect.items() if key != LockedPackages.key})
    finding = check(Context(facts=seen.facts, expect=stated))
    assert (finding.verdict, finding.summary) == (Verdict.UNKNOWN, "no lock was given")


def test_the_remedy_is_for_the_tool_that_manages_the_environment() -> None:
    assert judge(numpy="2.2.6", jax="1").remedy == (
        "uv pip install --python ~/bgb/.venv/bin/python --require-hashes --no-deps -r constraints.txt"
        " && uv pip uninstall --python ~/bgb/.venv/bin/python jax"
    )
    listed = [package(name, version, installer="pip") for name, version in {**VERSIONS, "numpy": "2.2.6"}.items()]
    of_pip = packages(*listed, versions={})
    by_pip = tuple(item for item in of_pip.packages if item.installer == "pip")
    finding = check(context(PYTHON, type(of_pip)(packages=by_pip), expect=(LOCK,)))
    assert finding.remedy == ("~/bgb/.venv/bin/python -m pip install --require-hashes --no-deps -r constraints.txt")
