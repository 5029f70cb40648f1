"""As many compilers as will run at a time fit into the memory.

Each thread of nvcc takes 3 to 5 GB for these kernels. setup.py asks for four threads a job, ninja starts more jobs than
there are cores, and the kernel's answer is `Killed` or exit code 137 after half an hour. NVCC_THREADS changes nothing:
flash-attention's setup.py reads it, those of the pinned commits do not.

How to fix: set MAX_JOBS as the remedy says, or compile with `bgb kernels build`, which gives each job one thread.
"""

from __future__ import annotations

import math

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.build_tools import BuildTools
from envcheck.facts.machine import Machine
from envcheck.remedies import build_kernels

_THREAD_BYTES = 4 * 10**9
"""Of 3 to 5 GB, reported by users of flash-attention, whose kernels are as large."""
_SETUP_THREADS = 4
_GB = 10**9


def check(context: Context) -> Finding:
    """Multiply jobs, threads and 4 GB; compare with the memory that is available, the container's limit included."""
    tools, machine = context.facts[BuildTools], context.facts[Machine]
    if tools.max_jobs is not None and (not tools.max_jobs.isdecimal() or int(tools.max_jobs) < 1):
        return Finding.failed(
            f"MAX_JOBS is {tools.max_jobs!r}, expected a number from 1 on", remedy="export MAX_JOBS=1"
        )
    jobs = int(tools.max_jobs) if tools.max_jobs else _ninja_jobs(math.ceil(machine.usable_cores))
    threads = tools.nvcc_threads or _SETUP_THREADS
    needed, available = jobs * threads * _THREAD_BYTES, machine.available_memory_bytes
    evidence = [
        Evidence(subject="jobs", found=str(jobs), expected="MAX_JOBS, else what ninja chooses"),
        Evidence(subject="threads of each", found=str(threads), expected="the builder's, else the 4 of setup.py"),
        Evidence(subject="memory", found=f"{available / _GB:.0f} GB available", expected=f"{needed / _GB:.0f} GB"),
    ]
    if tools.nvcc_threads_variable is not None:
        found = f"{tools.nvcc_threads_variable}, which nothing reads"
        evidence.append(Evidence(subject="NVCC_THREADS", found=found, expected="not set"))
    if needed <= available:
        summary = f"{jobs} x {threads} compilers need {needed / _GB:.0f} of {available / _GB:.0f} GB"
        return Finding.passed(summary, *evidence)
    summary = f"{jobs} jobs of {threads} threads need {needed / _GB:.0f} GB, {available / _GB:.0f} GB are available"
    return Finding.failed(summary, *evidence, remedy=_remedy(tools, available))


def _remedy(tools: BuildTools, available: int) -> str:
    """By hand fewer jobs; where one of four threads does not fit either, the builder, whose jobs have one."""
    fitting = available // (_SETUP_THREADS * _THREAD_BYTES)
    if tools.nvcc_threads is None and fitting:
        return f"export MAX_JOBS={fitting}"
    single = available // ((tools.nvcc_threads or 1) * _THREAD_BYTES)
    advice = "" if single else f"  # with {_THREAD_BYTES // _GB} GB of memory free"
    return f"{build_kernels()} --jobs {max(1, single)}{advice}"


def _ninja_jobs(cores: int) -> int:
    """`GuessParallelism` of ninja: one job more than cores up to two, two more beyond."""
    return max(1, cores) + (1 if cores <= 2 else 2)
