from __future__ import annotations

import os
from pathlib import Path

import pytest

from envcheck.facts.machine import Machine


def test_the_machine_has_what_the_kernel_says() -> None:
    seen = Machine.observe()
    assert 0 < seen.usable_cores <= seen.logical_cores
    assert 0 < seen.available_memory_bytes <= seen.memory_bytes
    assert seen.kernel == os.uname().release
    assert seen.disks == ()


def test_a_disk_is_that_of_the_nearest_folder_and_nothing_is_made_there(tmp_path: Path) -> None:
    deep = tmp_path / "cache" / "train"
    (disk,) = Machine.observe(paths={"cache": str(deep)}).disks
    assert (disk.name, disk.path, disk.writable) == ("cache", str(tmp_path), True)
    assert 0 < disk.free_bytes <= disk.total_bytes
    assert not deep.parent.exists()


def test_a_file_in_the_way_leads_to_the_folder_that_holds_it(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    (disk,) = Machine.observe(paths={"cache": str(tmp_path / "cache")}).disks
    assert disk.path == str(tmp_path)


def test_a_folder_below_the_home_is_shown_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    (disk,) = Machine.observe(paths={"cache": "~/data/cache"}).disks
    assert disk.path == "~/data"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_seen(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (disk,) = Machine.observe(paths={"cache": str(tmp_path)}).disks
    tmp_path.chmod(0o700)
    assert not disk.writable
