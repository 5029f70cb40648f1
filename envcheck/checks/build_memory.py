"""As many compilers as will run at a time fit into the memory.

Each thread of nvcc takes 3 to 5 GB for these kernels. setup.py asks for four threads a job, ninja starts a job for
every core, and the kernel's answer is `Killed` or exit code 137 after half an hour.

How to fix: set MAX_JOBS and NVCC_THREADS so that their product fits, as the remedy says.
"""

from __future__ import annotations

import math

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.machine import Machine

_THREAD_BYTES = 4 * 10**9
"""Of 3 to 5 GB, reported by users of flash-attention, whose kernels are as large."""
_SETUP_THREADS = 4
_GB = 10**9


def check(context: Context) -> Finding:
    """Multiply jobs, threads and 4 GB; compare with the memory that is available, the container's limit included."""
    tools, machine = context.facts[BuildTools], context.facts[Machine]
    for name, value in (("MAX_JOBS", tools.max_jobs), ("NVCC_THREADS", tools.nvcc_threads)):
        if value is not None and (not value.isdecimal() or int(value) < 1):
            return Finding.failed(f"{name} is {value!r}, expected a number from 1 on", remedy=f"export {name}=1")
    jobs = int(tools.max_jobs) if tools.max_jobs else math.ceil(machine.usable_cores)
    threads = int(tools.nvcc_threads) if tools.nvcc_threads else _SETUP_THREADS
    needed, available = jobs * threads * _THREAD_BYTES, machine.available_memory_bytes
    evidence = (
        Evidence(subject="jobs", found=str(jobs), expected="MAX_JOBS, else one for each core"),
        Evidence(subject="threads of each", found=str(threads), expected="NVCC_THREADS, else the 4 of setup.py"),
        Evidence(subject="memory", found=f"{available / _GB:.0f} GB available", expected=f"{needed / _GB:.0f} GB"),
    )
    if needed <= available:
        return Finding.passed(
            f"{jobs} x {threads} compilers need {needed / _GB:.0f} of {available / _GB:.0f} GB", *evidence
        )
    fitting = max(1, available // _THREAD_BYTES)
    summary = f"{jobs} jobs of {threads} threads need {needed / _GB:.0f} GB, {available / _GB:.0f} GB are available"
    return Finding.failed(summary, *evidence, remedy=f"export MAX_JOBS={min(jobs, fitting)} NVCC_THREADS=1")
