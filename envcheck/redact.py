"""Text without home folders, user names in paths, or credentials, so that a report can be shown to anyone."""

from __future__ import annotations

import re
from pathlib import Path

_HOMES = re.compile(r"(?<![\w.~-])/(?:home|Users)/[^/\s:'\"]+|(?<![\w./~-])/root(?![\w.-])")
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|hf_\w{16,}|a[ks]-\w{16,}|sk-[\w-]{16,}|xox[abpr]-[\w-]{8,}"
    r"|AKIA[0-9A-Z]{12,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)
_ASSIGNED = re.compile(r"(?i)\b(\w*(?:token|secret|password|passwd|api_?key|credentials?)\s*[=:]\s*)[^\s,;'\"]+")
HIDDEN = "[hidden]"


def redact(text: str) -> str:
    """`text` with home folders as `~` and whatever looks like a credential hidden."""
    home = _home()
    if home is not None:
        text = re.sub(re.escape(home) + r"(?![\w.-])", "~", text)
    text = _HOMES.sub("~", text)
    text = _USERINFO.sub(f"{HIDDEN}@", text)
    text = _TOKENS.sub(HIDDEN, text)
    return _ASSIGNED.sub(rf"\g<1>{HIDDEN}", text)


def _home() -> str | None:
    """This user's home folder; None where there is none worth hiding, such as `/` in some containers."""
    try:
        home = Path.home().as_posix()
    except RuntimeError:
        return None
    return home if home.count("/") >= 1 and len(home) > 1 else None
