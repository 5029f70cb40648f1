"""Errors of envcheck: we could not work. A failed check is a value, never one of these."""

from __future__ import annotations

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
