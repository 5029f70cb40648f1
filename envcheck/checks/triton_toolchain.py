"""Triton has what it needs to build launchers on this machine.

Triton 2.2 compiles a C launcher for every kernel while the program runs: it needs gcc or clang, Python's headers,
/sbin/ldconfig, and beside the driver's libcuda.so.1 a file called libcuda.so. Slim and runtime images lack them, and
the failure comes at the first kernel, on a GPU that is already paid for.

How to fix: install gcc and the headers of this Python; make the link `libcuda.so`.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.triton_toolchain import TritonToolchain
from envcheck.remedies import reinstall
from envcheck.triton_causes import INSTALL_COMPILER, INSTALL_LDCONFIG, install_headers


def check(context: Context) -> Finding:
    """Compare what lies on disk with what Triton will open, in the order in which it will."""
    seen = context.facts[TritonToolchain]
    if seen.version is None:
        return Finding.failed("triton is not installed", remedy=reinstall(context, "triton"))
    wrong = tuple(_differences(context, seen))
    if wrong:
        evidence = tuple(item for item, _ in wrong)
        first, remedy = wrong[0]
        return Finding.failed(f"{first.subject} is {first.found}, expected {first.expected}", *evidence, remedy=remedy)
    driver = f"libcuda.so in {seen.link_folders[0]}" if seen.drivers else "no driver here to link with"
    return Finding.passed(
        f"{seen.compiler}, Python.h, ldconfig, ptxas; {driver}",
        Evidence(subject="the driver's files", found=", ".join(seen.drivers) or "none"),
    )


def _differences(context: Context, seen: TritonToolchain) -> Iterator[tuple[Evidence, str]]:
    if seen.compiler is None:
        found = "missing" if seen.cc is None else f"CC={seen.cc}, which is no program"
        remedy = INSTALL_COMPILER if seen.cc is None else "unset CC"
        yield Evidence(subject="the C compiler", found=found, expected="gcc or clang on PATH, or CC"), remedy
    if not seen.headers_present:
        yield Evidence(subject="Python.h", found="missing", expected=f"in {seen.headers}"), install_headers(context)
    if not seen.ldconfig and not seen.libcuda_path:
        yield Evidence(subject="ldconfig", found="missing", expected="/sbin/ldconfig"), INSTALL_LDCONFIG
    if seen.drivers and not seen.link_folders:
        driver = seen.drivers[0]
        folder = driver.rpartition("/")[0]
        if seen.libcuda_path:
            subject, remedy = f"libcuda.so in TRITON_LIBCUDA_PATH={seen.libcuda_path}", "unset TRITON_LIBCUDA_PATH"
        else:
            subject, remedy = "libcuda.so", f"ln -s {driver.rpartition('/')[2]} {folder}/libcuda.so"
        yield Evidence(subject=subject, found="missing", expected=f"a link beside {driver}"), remedy
    yield from _own(context, seen)


def _own(context: Context, seen: TritonToolchain) -> Iterator[tuple[Evidence, str]]:
    """Triton's own assembler, and the folders that it writes to."""
    if seen.ptxas is None:
        yield Evidence(subject="ptxas", found="missing", expected="part of triton"), reinstall(context, "triton")
    elif not seen.ptxas_runs:
        yield Evidence(subject=seen.ptxas, found="no program", expected="executable"), f"chmod +x {seen.ptxas}"
    if not seen.cache_writable:
        remedy = "export TRITON_CACHE_DIR=$(mktemp -d)"
        yield Evidence(subject=f"the cache {seen.cache}", found="read-only", expected="writable"), remedy
    if not seen.dump_writable:
        subject = f"{seen.dump}, where Triton 2.2 writes whatever TRITON_CACHE_DIR says,"
        yield Evidence(subject=subject, found="read-only", expected="writable"), "export HOME=$(mktemp -d)"
