from __future__ import annotations

import pytest

from envcheck.checks.package_origin import check
from envcheck.core import Verdict
from envcheck.facts.packages import Origin
from tests.envcheck.sightings import PYTHON, context, package, packages


def test_packages_from_an_index_pass_and_the_project_may_be_editable() -> None:
    assert check(context(packages())).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (Origin.EDITABLE, "an editable checkout"),
        (Origin.DIRECTORY, "a local folder"),
        (Origin.VCS, "version control"),
        (Origin.ARCHIVE, "a single file"),
        (Origin.UNREADABLE, "an unreadable direct_url.json"),
    ],
)
def test_any_other_origin_fails_and_is_named(origin: Origin, words: str) -> None:
    finding = check(context(PYTHON, packages(package("mamba-ssm", "2.2.2", origin=origin, url="file:///src"))))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, f"mamba-ssm was installed from {words}")
    assert finding.evidence[0].found == f"{words}: file:///src"
    assert "--reinstall-package mamba-ssm" in finding.remedy


def test_nothing_installed_is_nothing_judged() -> None:
    assert check(context(packages(versions={}))).verdict is Verdict.UNKNOWN
