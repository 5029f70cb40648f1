from __future__ import annotations

from envcheck.checks.package_duplicates import check
from envcheck.core import Verdict
from envcheck.facts.packages import Packages
from tests.envcheck.sightings import PYTHON, SITE, context, package, packages


def test_each_package_once_passes() -> None:
    assert check(context(packages())).verdict is Verdict.PASS


def test_a_second_copy_fails_and_every_place_is_named() -> None:
    front = package("einops", "0.0.1", location="/opt/front/einops-0.0.1.dist-info")
    seen = packages()
    finding = check(context(PYTHON, Packages(packages=(front, *seen.packages))))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "installed more than once: einops")
    assert [item.found for item in finding.evidence] == [
        "0.0.1 at /opt/front/einops-0.0.1.dist-info",
        f"0.8.2 at {SITE}/einops-0.8.2.dist-info",
    ]
    assert finding.remedy.startswith("rm -r /opt/front/einops-0.0.1.dist-info && uv pip install")
    assert "--reinstall-package einops" in finding.remedy


def test_a_second_copy_in_the_environment_is_removed_there() -> None:
    finding = check(context(PYTHON, packages(package("numpy", "1.99"))))
    assert finding.remedy.startswith(f"rm -r ~/bgb/.venv/{SITE}/numpy-1.26.4.dist-info && ")


def test_the_project_itself_may_be_there_twice() -> None:
    assert check(context(packages(package("bgb", "0.1.0")))).verdict is Verdict.PASS


def test_nothing_installed_is_nothing_judged() -> None:
    assert check(context(packages(versions={}))).verdict is Verdict.UNKNOWN
