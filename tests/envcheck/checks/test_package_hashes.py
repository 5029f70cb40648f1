from __future__ import annotations

from envcheck.checks.package_hashes import check
from envcheck.core import Finding, Verdict
from envcheck.facts.package_hashes import ModifiedFile, PackageHashes
from tests.envcheck.sightings import PYTHON, SITE, context, packages


def judge(*modified: ModifiedFile, files: int = 28225) -> Finding:
    return check(context(PYTHON, packages(), PackageHashes(files=files, bytes=5_665_539_012, modified=modified)))


def edited(package: str, path: str) -> ModifiedFile:
    return ModifiedFile(package=package, path=f"{SITE}/{path}")


def test_recorded_hashes_pass_with_how_much_was_read() -> None:
    finding = judge()
    assert (finding.verdict, finding.summary) == (
        Verdict.PASS,
        "28225 files, 5.7 GB, have their recorded SHA-256",
    )


def test_an_edited_file_fails_and_its_package_is_installed_again_once() -> None:
    finding = judge(edited("torch", "torch/version.py"), edited("torch", "torch/cuda/__init__.py"))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"{SITE}/torch/version.py of torch was changed after it was installed, and 1 more"
    assert finding.remedy.count("--reinstall-package torch") == 1


def test_the_project_itself_may_change() -> None:
    assert judge(edited("bgb", "bgb/cli.py")).verdict is Verdict.PASS


def test_nothing_hashed_is_nothing_known() -> None:
    assert judge(files=0).verdict is Verdict.UNKNOWN
