from __future__ import annotations

import pytest

from envcheck.checks.package_files import check
from envcheck.core import Finding, Verdict
from envcheck.facts.package_files import Damage, DamagedFile, PackageFiles
from tests.envcheck.sightings import PYTHON, SITE, context, packages


def judge(*damaged: DamagedFile, without_record: tuple[str, ...] = (), count: int | None = None) -> Finding:
    total = len(damaged) if count is None else count
    seen = PackageFiles(files=28849, damaged=damaged, damaged_count=total, without_record=without_record)
    return check(context(PYTHON, packages(), seen))


def resized(package: str = "torch") -> DamagedFile:
    path = f"{SITE}/{package}/lib/libc10.so"
    return DamagedFile(package=package, path=path, damage=Damage.RESIZED, size=40, recorded_size=100)


def unowned(path: str) -> DamagedFile:
    return DamagedFile(package="", path=f"{SITE}/{path}", damage=Damage.UNOWNED)


def test_files_as_they_were_installed_pass() -> None:
    assert judge().verdict is Verdict.PASS


def test_a_file_cut_short_names_its_package_and_both_sizes() -> None:
    finding = judge(resized())
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == f"{SITE}/torch/lib/libc10.so of torch is 40 bytes long, recorded 100"
    assert "--reinstall-package torch --require-hashes" in finding.remedy


def test_a_file_that_is_gone_is_told_as_gone() -> None:
    gone = DamagedFile(package="torch", path=f"{SITE}/torch/version.py", damage=Damage.MISSING, recorded_size=13)
    assert judge(gone).summary == f"{SITE}/torch/version.py of torch is missing"


def test_a_file_that_belongs_to_nobody_is_to_be_deleted() -> None:
    finding = judge(unowned("selective_scan_cuda.so"))
    assert finding.summary == f"{SITE}/selective_scan_cuda.so is importable and belongs to no package"
    assert finding.remedy == f"rm -r ~/bgb/.venv/{SITE}/selective_scan_cuda.so"


def test_a_package_without_a_record_fails_by_name() -> None:
    finding = judge(without_record=("einops",))
    assert finding.summary == "nothing says which files belong to einops"
    assert "--reinstall-package einops" in finding.remedy


def test_both_kinds_are_mended_by_one_command_and_all_are_counted() -> None:
    finding = judge(resized(), unowned("a.pth"), count=70)
    assert finding.summary.endswith(", and 69 more")
    assert finding.remedy.startswith("rm -r ")
    assert "--reinstall-package torch" in finding.remedy


@pytest.mark.parametrize("name", ["_virtualenv.py", "_virtualenv.pth"])
def test_what_makers_of_environments_put_there_is_harmless(name: str) -> None:
    assert judge(unowned(name)).verdict is Verdict.PASS


def test_the_project_itself_may_change() -> None:
    assert judge(resized("bgb"), without_record=("bgb",)).verdict is Verdict.PASS


def test_no_files_are_not_good_files() -> None:
    seen = PackageFiles(files=0, damaged=(), damaged_count=0, without_record=())
    assert check(context(PYTHON, packages(), seen)).verdict is Verdict.UNKNOWN
