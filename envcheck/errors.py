"""Errors of envcheck: we could not work. A failed check is a value, never one of these."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says when it ends; one table for both packages."""

    OPEN = 0
    CLOSED = 1
    USAGE = 2
    UNKNOWN = 3
    FAULT = 4
    INTERRUPTED = 130


class EnvcheckError(Exception):
    """Base of everything that the command line reports in one line: found, expected, what to do."""

    exit_code = ExitCode.USAGE


class FileUnusable(EnvcheckError):
    """A file that was named is missing, unreadable or not what it should be."""


class PolicyError(EnvcheckError):
    """A policy does not say what a policy must say."""


class ReceiptError(EnvcheckError):
    """A receipt cannot be read, written or believed."""


class SelectionError(EnvcheckError):
    """A check, fact or suite was asked for by a name that does not exist."""


class ParityError(EnvcheckError):
    """The things to compare cannot be compared."""


class CheckFault(EnvcheckError):
    """A check broke while judging. That is a fault of the check and says nothing about what it looked at."""

    exit_code = ExitCode.FAULT


def nearest(name: str, known: Collection[str]) -> str:
    """The hint that ends a message about an unknown name."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(sorted(known)) or 'none'}"
