from __future__ import annotations

from envcheck.facts.package_files import SHOWN_AT_MOST, Damage, DamagedFile, PackageFiles
from tests.envcheck.environments import Environment


def damage_of(environment: Environment) -> set[tuple[str, str, Damage]]:
    seen = environment.observe(PackageFiles)
    site = str(environment.site.relative_to(environment.prefix))
    return {(item.package, item.path.removeprefix(f"{site}/"), item.damage) for item in seen.damaged}


def test_an_environment_as_it_was_installed_has_no_damage(environment: Environment) -> None:
    environment.install("einops", "0.8.2", {"einops/__init__.py": "", "einops/__pycache__/x.cpython-311.pyc": b"0"})
    (environment.site / "einops" / "__pycache__" / "y.cpython-311.pyc").write_bytes(b"0")
    (environment.site / "notes.txt").write_text("no import finds this")
    seen = environment.observe(PackageFiles)
    assert (seen.damaged, seen.damaged_count, seen.without_record) == ((), 0, ())
    assert seen.files > 5


def test_a_file_that_is_gone_and_one_cut_short_are_found(environment: Environment) -> None:
    environment.install("torch", "2.2.2", {"torch/lib/libc10.so": b"0" * 100, "torch/version.py": "cuda = '12.1'"})
    (environment.site / "torch" / "version.py").unlink()
    (environment.site / "torch" / "lib" / "libc10.so").write_bytes(b"0" * 40)
    site = environment.site.relative_to(environment.prefix)
    assert set(environment.observe(PackageFiles).damaged) == {
        DamagedFile(
            package="torch", path=f"{site}/torch/version.py", damage=Damage.MISSING, size=None, recorded_size=13
        ),
        DamagedFile(
            package="torch", path=f"{site}/torch/lib/libc10.so", damage=Damage.RESIZED, size=40, recorded_size=100
        ),
    }


def test_importable_files_that_no_record_lists_are_found_wherever_they_lie(environment: Environment) -> None:
    environment.install("mamba-ssm", "2.2.2", {"mamba_ssm/__init__.py": ""})
    strays = (
        "selective_scan_cuda.cpython-311-x86_64-linux-gnu.so",
        "hook.pth",
        "project.egg-link",
        "mamba_ssm/ops.pyc",
        "~orch/__init__.py",
    )
    for stray in strays:
        (environment.site / stray).parent.mkdir(exist_ok=True)
        (environment.site / stray).touch()
    assert damage_of(environment) == {("", stray, Damage.UNOWNED) for stray in strays}


def test_a_distribution_without_a_record_is_named(environment: Environment) -> None:
    (environment.install("einops", "0.8.2") / "RECORD").unlink()
    assert environment.observe(PackageFiles).without_record == ("einops",)


def test_a_package_that_is_gone_altogether_is_counted_and_not_listed_in_full(environment: Environment) -> None:
    environment.install("sympy", "1", {f"sympy/m{number}.py": "x" for number in range(2 * SHOWN_AT_MOST)})
    for path in (environment.site / "sympy").iterdir():
        path.unlink()
    seen = environment.observe(PackageFiles)
    assert (len(seen.damaged), seen.damaged_count) == (SHOWN_AT_MOST, 2 * SHOWN_AT_MOST)


def test_a_file_name_that_is_not_text_is_still_shown(environment: Environment) -> None:
    (environment.site / "caf\udce9.py").touch()
    assert damage_of(environment) == {("", "caf\\udce9.py", Damage.UNOWNED)}
