from __future__ import annotations

from dataclasses import replace

from envcheck.checks.kernel_floor import check
from envcheck.core import Verdict
from tests.envcheck.sightings import CONV_BINARY, KERNEL_BINARIES, MACHINE, context


def test_libraries_that_are_new_enough_pass() -> None:
    assert check(context(MACHINE, KERNEL_BINARIES)).verdict is Verdict.PASS


def test_an_older_c_library_fails_with_both_numbers() -> None:
    finding = check(context(replace(MACHINE, glibc="2.31"), KERNEL_BINARIES))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith("glibc is 2.31, the kernels need 2.32 or newer")


def test_an_older_cpp_library_fails_and_numbers_are_no_text() -> None:
    binaries = replace(KERNEL_BINARIES, binaries=(replace(CONV_BINARY, glibcxx="3.4.9"),))
    assert check(context(MACHINE, binaries)).verdict is Verdict.PASS
    newer = replace(KERNEL_BINARIES, binaries=(replace(CONV_BINARY, glibcxx="9.9.99"),))
    finding = check(context(MACHINE, newer))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary.startswith("GLIBCXX is 3.4.30, the kernels need 9.9.99 or newer")


def test_what_was_not_found_is_not_taken_for_enough() -> None:
    assert check(context(MACHINE, replace(KERNEL_BINARIES, glibcxx=None))).verdict is Verdict.UNKNOWN
    assert check(context(MACHINE, replace(KERNEL_BINARIES, binaries=()))).verdict is Verdict.UNKNOWN
