"""The machine has the cores, the memory and the disk that the run needs.

A container of 0.125 cores starves the data loader while the GPU is paid for, a small `/dev/shm` ends the workers with
a bus error, and a full disk shows after hours of building a cache.

How to fix: ask for a larger machine, give the container more, or free the disk that the finding names.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedMachine
from envcheck.facts.machine import Disk, Machine

_GIB = 2**30


def check(context: Context) -> Finding:
    """Compare what this process may use with what the policy asks for."""
    machine, expected = context.facts[Machine], context.expect[ExpectedMachine]
    disks = {disk.name: disk for disk in machine.disks}
    measured = (
        *_measured(machine, expected),
        *(
            (_space(disks[name], gib), disks[name].free_bytes >= gib * _GIB and disks[name].writable)
            for name, gib in expected.free_gib.items()
            if name in disks
        ),
    )
    short = tuple(evidence for evidence, enough in measured if not enough)
    if short:
        return Finding.failed(
            f"{short[0].subject}: {short[0].found}, expected {short[0].expected}", *short, remedy=_remedy(short[0])
        )
    unseen = sorted(expected.free_gib.keys() - disks.keys())
    if unseen:
        return Finding.unknown(
            f"the disk for {', '.join(unseen)} was not looked at",
            remedy=f"""envcheck observe machine --with '{{"paths": {{"{unseen[0]}": "DIRECTORY"}}}}'""",
        )
    cores, memory = machine.usable_cores, machine.memory_bytes / _GIB
    return Finding.passed(f"{cores:g} cores, {memory:.1f} GiB of memory", *(evidence for evidence, _ in measured))


def _measured(machine: Machine, expected: ExpectedMachine) -> Iterator[tuple[Evidence, bool]]:
    cores = f"{machine.usable_cores:g} of {machine.logical_cores}"
    yield (
        Evidence(subject="usable cores", found=cores, expected=f"{expected.cores:g}"),
        machine.usable_cores >= expected.cores,
    )
    for subject, found, gib in (
        ("memory", machine.memory_bytes, expected.memory_gib),
        ("shared memory in /dev/shm", machine.shared_memory_bytes, expected.shared_memory_gib),
    ):
        evidence = Evidence(subject=subject, found=f"{found / _GIB:.2f} GiB", expected=f"{gib:g} GiB")
        yield evidence, found >= gib * _GIB


def _space(disk: Disk, gib: float) -> Evidence:
    found = f"{disk.free_bytes / _GIB:.2f} GiB free" if disk.writable else "not writable"
    return Evidence(subject=f"{disk.name} in {disk.path}", found=found, expected=f"{gib:g} GiB free")


def _remedy(short: Evidence) -> str:
    if short.subject.startswith("shared memory"):
        return f"mount -o remount,size={short.expected.partition(' ')[0]}G /dev/shm  # docker run --shm-size"
    if " in " in short.subject:
        return f"df -h {short.subject.partition(' in ')[2]}  # free some of it, or name another place"
    return "nproc; free -g  # then ask for a larger machine, or raise the container's --cpus and --memory"
