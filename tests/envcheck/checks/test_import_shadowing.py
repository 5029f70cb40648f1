from __future__ import annotations

from envcheck.checks.import_shadowing import check
from envcheck.core import Finding, Verdict
from envcheck.facts.shadowing import PathEntry, Shadow, Shadowing, Source
from tests.envcheck.sightings import PYTHON, SITE, context, packages

FRONT = PathEntry(path="/opt/front", source=Source.PYTHONPATH)
USER = PathEntry(path="~/.local/lib/python3.11/site-packages", source=Source.USER_SITE)
EINOPS = Shadow(module="einops", package="einops", found="/opt/front/einops/__init__.py")


def judge(*shadows: Shadow, path: tuple[PathEntry, ...] = (), modules: int = 394) -> Finding:
    own = PathEntry(path=SITE, source=Source.PACKAGES)
    return check(context(PYTHON, packages(), Shadowing(path=(*path, own), modules=modules, shadows=shadows)))


def test_modules_that_resolve_to_their_owners_pass() -> None:
    assert judge().verdict is Verdict.PASS


def test_a_folder_in_front_that_hides_nothing_passes_and_is_shown() -> None:
    finding = judge(path=(FRONT,))
    assert finding.verdict is Verdict.PASS
    assert [(item.subject, item.found) for item in finding.evidence] == [("PYTHONPATH", "/opt/front")]


def test_a_shadow_is_named_with_what_put_it_there() -> None:
    finding = judge(EINOPS, path=(FRONT,))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "`import einops` finds it at /opt/front/einops/__init__.py"
    assert finding.remedy == "unset PYTHONPATH"


def test_the_users_own_packages_are_switched_off() -> None:
    assert judge(EINOPS, path=(USER,)).remedy == "export PYTHONNOUSERSITE=1"


def test_a_file_in_the_working_directory_says_when_it_counts() -> None:
    finding = judge(Shadow(module="wave", package="python", found="~/bgb/wave.py", working_directory=True))
    assert finding.summary == "`import wave` finds it at ~/bgb/wave.py when started with `python -m` from here"
    assert finding.remedy == "export PYTHONSAFEPATH=1  # or rename ~/bgb/wave.py"


def test_a_module_that_this_python_cannot_load_is_installed_again() -> None:
    finding = judge(Shadow(module="selective_scan_cuda", package="mamba-ssm", found=None))
    assert finding.summary == "`import selective_scan_cuda` finds it nowhere, though it is installed"
    assert "--reinstall-package mamba-ssm" in finding.remedy


def test_the_project_itself_may_run_from_its_checkout() -> None:
    own = Shadow(module="bgb", package="bgb", found="~/bgb/bgb/__init__.py", working_directory=True)
    assert judge(own).verdict is Verdict.PASS


def test_no_module_resolved_is_nothing_known() -> None:
    assert judge(modules=0).verdict is Verdict.UNKNOWN
