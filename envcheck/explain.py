"""A check's documentation is the docstring of its module: title, why it matters, how to fix."""

from __future__ import annotations

import inspect
import sys
import textwrap
from dataclasses import dataclass

from envcheck.core import Check

FIX = "How to fix:"
"""What begins the paragraph on mending; everything between it and the title says why the check exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a check is for, the incident behind it, and what to do when it fails."""

    name: str
    title: str
    why: tuple[str, ...]
    fix: str

    def text(self, *, width: int = 80) -> str:
        """For people."""
        paragraphs = [self.title, *self.why, f"{FIX} {self.fix}" if self.fix else ""]
        wrapped = [textwrap.fill(text, width - 2, initial_indent="  ", subsequent_indent="  ") for text in paragraphs]
        return "\n\n".join([self.name, *filter(None, wrapped)]) + "\n"


def explain(name: str, check: Check) -> Explanation:
    """The documentation of a check, each paragraph on one line."""
    module = sys.modules[check.__module__]
    title, *rest = (" ".join(part.split()) for part in (inspect.getdoc(module) or "").split("\n\n"))
    start = next((number for number, part in enumerate(rest) if part.startswith(FIX)), len(rest))
    fix = " ".join(rest[start:]).removeprefix(FIX).strip()
    return Explanation(name=name, title=title, why=tuple(rest[:start]), fix=fix)
