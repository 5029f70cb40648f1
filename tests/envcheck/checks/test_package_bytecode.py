from __future__ import annotations

from envcheck.checks.package_bytecode import check
from envcheck.core import Finding, Verdict
from envcheck.facts.package_bytecode import PackageBytecode
from tests.envcheck.sightings import PYTHON, SITE, context


def judge(*stale: str, packages: tuple[str, ...] = ("torch",)) -> Finding:
    return check(context(PYTHON, PackageBytecode(packages=packages, files=900, stale=stale)))


def test_current_bytecode_passes() -> None:
    assert judge().summary == "900 compiled modules of torch are what their sources say"


def test_stale_bytecode_fails_and_is_deleted() -> None:
    finding = judge(f"{SITE}/torch/nn/modules/conv.py", f"{SITE}/torch/a.py")
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"{SITE}/torch/nn/modules/conv.py reads one way and runs another, and 1 more"
    assert finding.remedy == "find ~/bgb/.venv -name '*.pyc' -delete"


def test_no_package_looked_at_is_nothing_known() -> None:
    assert judge(packages=()).verdict is Verdict.UNKNOWN
