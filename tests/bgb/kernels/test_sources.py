from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from bgb.errors import ConfigError, KernelBuildFailed
from bgb.kernels.sources import Source, fetch, read_kernel_lock
from envcheck.lockfile import read_lock
from tests.bgb.kernels.upstream import make_repository

ROOT = Path(__file__).resolve().parents[3]


def test_the_lock_of_sources_the_policies_and_the_pins_say_the_same() -> None:
    lock = read_kernel_lock()
    for policy in sorted((ROOT / "configs" / "policies").glob("*.toml")):
        stated = tomllib.loads(policy.read_text())["expect"]["kernels"]["commits"]
        assert stated == {name: source.commit for name, source in lock.sources.items()}
    pins = {pin.name: pin.version for pin in read_lock(ROOT / "constraints.txt").pins}
    assert {name: source.version for name, source in lock.sources.items()} == {
        name: pins[name] for name in lock.sources
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("[", "not TOML"),
        ("", "names no package"),
        ('[a]\nversion = "1"\nrepository = "x"\ncommit = "v1.0"\n', "a.commit"),
        ('[a]\nversion = "1"\nrepository = "x"\n', "a.commit: Field required"),
    ],
)
def test_a_lock_that_makes_no_sense_is_told(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "kernels.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=r"kernels\.toml") as caught:
        read_kernel_lock(path)
    assert said in str(caught.value)


@pytest.mark.skipif(shutil.which("git") is None, reason="sources are fetched with git")
def test_exactly_the_pinned_commit_is_checked_out(tmp_path: Path) -> None:
    commit = make_repository(tmp_path / "upstream")
    (tmp_path / "upstream" / "setup.py").write_text("changed since\n")
    repository = f"file://{tmp_path / 'upstream'}"
    fetch(Source(version="1.0", repository=repository, commit=commit), tmp_path / "source")
    assert "toy_scan" in (tmp_path / "source" / "setup.py").read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="sources are fetched with git")
def test_a_commit_that_is_not_there_is_told_in_a_line(tmp_path: Path) -> None:
    make_repository(tmp_path / "upstream")
    source = Source(version="1.0", repository=f"file://{tmp_path / 'upstream'}", commit="0" * 40)
    with pytest.raises(KernelBuildFailed, match=r"commit 000000000000 of .* cannot be fetched") as caught:
        fetch(source, tmp_path / "source")
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(shutil.which("git") is None, reason="sources are fetched with git")
def test_a_repository_that_is_not_there_is_told_with_what_git_says_first(tmp_path: Path) -> None:
    source = Source(version="1.0", repository=f"file://{tmp_path / 'nowhere'}", commit="0" * 40)
    with pytest.raises(KernelBuildFailed, match=r"does not appear to be a git repository|does not exist"):
        fetch(source, tmp_path / "source")
