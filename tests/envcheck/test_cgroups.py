from __future__ import annotations

from pathlib import Path

import pytest

from envcheck.cgroups import Limits, read_limits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def limits_of(root: Path, membership: str, files: dict[str, str]) -> Limits:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    groups = root.parent / "membership"
    groups.write_text(membership)
    return read_limits(root, groups)


def test_without_control_groups_there_is_no_limit(root: Path) -> None:
    assert read_limits(root, root / "absent") == Limits(cores=None, memory_bytes=None)


def test_a_container_of_version_2_sees_its_own_group_at_the_top(root: Path) -> None:
    files = {"cpu.max": "12500 100000\n", "memory.max": "134217728\n"}
    assert limits_of(root, "0::/\n", files) == Limits(cores=0.125, memory_bytes=128 * 2**20)


def test_the_tightest_of_nested_groups_counts(root: Path) -> None:
    files = {
        "user/cpu.max": "200000 100000",
        "user/job/cpu.max": "max 100000",
        "user/memory.max": "max",
        "user/job/memory.max": "4096",
        "other/memory.max": "1",
    }
    assert limits_of(root, "0::/user/job\n", files) == Limits(cores=2.0, memory_bytes=4096)


def test_version_1_has_a_tree_for_each_controller(root: Path) -> None:
    files = {
        "cpu/box/cpu.cfs_quota_us": "150000\n",
        "cpu/box/cpu.cfs_period_us": "100000\n",
        "memory/box/memory.limit_in_bytes": "8192\n",
        "memory.max": "1\n",
    }
    membership = "9:name=systemd:/\n4:memory:/box\n1:cpu,cpuacct:/box\n"
    assert limits_of(root, membership, files) == Limits(cores=1.5, memory_bytes=8192)


def test_version_1_without_a_quota_says_minus_one(root: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert limits_of(root, "1:cpu:/\n", files).cores is None
