"""How facts write paths: without a home or a user's name, and alike on every machine."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from envcheck.redact import redact


def shown(path: str | Path) -> str:
    """`path` with a home directory as `~`, and the user's name as `~user` where it is a whole segment."""
    user = _user_name()
    parts = redact(printable(str(path))).split("/")
    return "/".join("~user" if user and part == user else part for part in parts)


def in_environment(path: str | Path) -> str:
    """`path` relative to this Python's prefix where it lies below it, so that two environments compare equal."""
    text, prefix = str(path), f"{os.path.realpath(sys.prefix).rstrip('/')}/"
    return printable(text.removeprefix(prefix)) if text.startswith(prefix) else shown(text)


def shown_url(url: str) -> str:
    """`url` without user, password and query, and, for a file, without a home."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return f"file://{shown(parts.path)}"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def printable(text: str) -> str:
    """File names that are not UTF-8 arrive with lone surrogates, which JSON text cannot carry."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _user_name() -> str:
    """The user's name, or nothing for root, whose name is no secret and a common folder, and for unnamed ids."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return ""
    return "" if entry.pw_uid == 0 else entry.pw_name
