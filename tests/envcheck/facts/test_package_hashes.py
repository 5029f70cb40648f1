from __future__ import annotations

from envcheck.facts.package_files import PackageFiles
from envcheck.facts.package_hashes import PackageHashes
from tests.envcheck.environments import Environment


def test_every_recorded_hash_is_compared(environment: Environment) -> None:
    environment.install("numpy", "1.26.4", {"numpy/__init__.py": "a = 1\n", "numpy/core.so": b"\x7fELF" * 1000})
    seen = environment.observe(PackageHashes)
    assert seen.modified == ()
    assert seen.files >= 4
    assert seen.bytes >= 4006


def test_an_edit_that_keeps_the_size_shows_in_the_hash_alone(environment: Environment) -> None:
    environment.install("torch", "2.2.2", {"torch/version.py": "cuda = '12.1'\n"})
    (environment.site / "torch" / "version.py").write_text("cuda = '11.8'\n")
    assert environment.observe(PackageFiles).damaged == ()
    (modified,) = environment.observe(PackageHashes).modified
    assert (modified.package, modified.path.rpartition("site-packages/")[2]) == ("torch", "torch/version.py")


def test_files_that_are_missing_are_left_to_the_other_fact(environment: Environment) -> None:
    environment.install("torch", "2.2.2", {"torch/version.py": "cuda = '12.1'\n"})
    (environment.site / "torch" / "version.py").unlink()
    assert environment.observe(PackageHashes).modified == ()
