from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.command_line import bgb, write_config


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo corpus and a run on it."""
    folder = tmp_path_factory.mktemp("world")
    answer = bgb("demo", "corpus", folder / "corpus")
    assert answer.returncode == 0, answer.stderr
    write_config(folder)
    return folder


@pytest.fixture(scope="session")
def built(world: Path) -> Path:
    """The world after the gate was opened for the cache and the cache was built."""
    config = world / "run.yaml"
    for words in (("preflight", config, "--for", "cache"), ("build-cache", config)):
        answer = bgb(*words)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    return world


@pytest.fixture(scope="session")
def trained(built: Path) -> Path:
    """The world after one training."""
    config = built / "run.yaml"
    for words in (("preflight", config, "--for", "train"), ("train", config)):
        answer = bgb(*words)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    return built


@pytest.fixture
def own_world(world: Path, tmp_path: Path) -> Path:
    """The same corpus, with a cache and runs that only this test touches."""
    (tmp_path / "corpus").symlink_to(world / "corpus")
    for place in ("cache", "runs"):
        if (world / place).exists():
            shutil.copytree(world / place, tmp_path / place)
    write_config(tmp_path)
    return tmp_path
