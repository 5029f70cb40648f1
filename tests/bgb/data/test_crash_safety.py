"""Around a build: a disk that fills, a builder that is killed alone, bytes that turn, settings that change."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bgb.data import builder
from bgb.data.cache import cached_path, open_cached
from bgb.data.manifest import read_manifest
from bgb.data.signal import SignalSettings
from bgb.errors import CacheError
from tests.bgb.data.small_corpus import build, contents, small_corpus
from tests.envcheck.processes import is_gone

ROOT = Path(__file__).resolve().parents[3]
BUILDER = """
import sys
from pathlib import Path
from bgb.data.corpus import discover
from tests.bgb.data.small_corpus import build
build(discover(Path(sys.argv[1]), splits=("train", "dev")), Path(sys.argv[2]), workers=2)
"""


def test_a_signal_that_turned_on_the_disk_is_built_again_when_asked_to_look(tmp_path: Path) -> None:
    files, cache = small_corpus(tmp_path / "corpus"), tmp_path / "cache"
    build(files, cache)
    sound = contents(cache)
    path = cached_path(cache, files[0].key)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with open_cached(path) as cached, pytest.raises(CacheError, match="bgb build-cache --verify"):
        cached.verify()
    assert build(files, cache).built == 0
    assert build(files, cache, verify=True).built == 1
    assert contents(cache) == sound


def test_a_disk_that_fills_while_building_stops_it_with_what_is_built_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, cache = small_corpus(tmp_path / "corpus"), tmp_path / "cache"
    real, asked = shutil.disk_usage(tmp_path), []

    def filling(_: Path) -> object:
        asked.append(1)
        return real if len(asked) <= 2 else real._replace(free=1000)

    monkeypatch.setattr(shutil, "disk_usage", filling)
    with pytest.raises(CacheError, match=r"0\.00 GB are free; .* what is built is kept"):
        build(files, cache)
    monkeypatch.undo()
    kept = len(list(cache.rglob("*.npz")))
    assert 0 < kept < len(files)
    assert build(files, cache).skipped == kept


def test_workers_end_with_a_builder_that_is_killed(tmp_path: Path) -> None:
    """They would write on without the lock, beside the next build."""
    small_corpus(tmp_path / "corpus", train=400, dev=2)
    command = [sys.executable, "-c", BUILDER, str(tmp_path / "corpus"), str(tmp_path / "cache")]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(list((tmp_path / "cache").rglob("*.npz"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [int(pid) for pid in children if b"loky" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(process.pid, signal.SIGKILL)
    assert workers
    assert all(is_gone(pid) for pid in workers)


def test_a_manifest_of_other_settings_is_gone_before_its_files_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who goes back to the old settings after a build with new ones was killed must not train on a mixture."""
    files, cache = small_corpus(tmp_path / "corpus"), tmp_path / "cache"
    build(files, cache)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(builder, "_build_one", killed)
    other = SignalSettings(notch_hz=50.0)
    with pytest.raises(KeyboardInterrupt):
        build(files, cache, settings=other)
    with pytest.raises(CacheError):
        read_manifest(cache, "train")
