from __future__ import annotations

from dataclasses import replace

import pytest

from envcheck.checks.machine_resources import check
from envcheck.core import Verdict
from envcheck.facts.machine import Disk, Machine
from tests.envcheck.sightings import GIB, MACHINE, context


def with_disk(*, free_gib: int = 200, writable: bool = True) -> Machine:
    disk = Disk(name="cache", path="/data", total_bytes=500 * GIB, free_bytes=free_gib * GIB, writable=writable)
    return replace(MACHINE, disks=(disk,))


def test_a_machine_with_enough_of_everything_passes() -> None:
    assert check(context(MACHINE)).summary == "24 cores, 96.0 GiB of memory"


@pytest.mark.parametrize(
    ("machine", "summary", "command"),
    [
        (replace(MACHINE, usable_cores=0.125), "usable cores: 0.125 of 64, expected 24", "nproc"),
        (replace(MACHINE, memory_bytes=GIB // 8), "memory: 0.12 GiB, expected 95 GiB", "nproc; free -g"),
        (
            replace(MACHINE, shared_memory_bytes=64 * 2**20),
            "shared memory in /dev/shm: 0.06 GiB, expected 8 GiB",
            "mount -o remount,size=8G /dev/shm",
        ),
        (with_disk(free_gib=12), "cache in /data: 12.00 GiB free, expected 60 GiB free", "df -h /data"),
        (with_disk(writable=False), "cache in /data: not writable, expected 60 GiB free", "df -h /data"),
    ],
)
def test_what_is_short_is_named_with_a_command_that_shows_it(machine: Machine, summary: str, command: str) -> None:
    finding = check(context(machine))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, summary)
    assert finding.remedy.startswith(command)


def test_a_disk_that_was_not_looked_at_is_unknown() -> None:
    finding = check(context(replace(MACHINE, disks=())))
    assert (finding.verdict, finding.summary) == (Verdict.UNKNOWN, "the disk for cache was not looked at")
    assert finding.remedy == """envcheck observe machine --with '{"paths": {"cache": "DIRECTORY"}}'"""
