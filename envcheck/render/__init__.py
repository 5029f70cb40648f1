"""A report and its decision as text. A renderer returns a string; only a command prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from envcheck.core import Decision, Report
from envcheck.render import json, junit, markdown, terminal


class Renderer(Protocol):
    """What the formats have in common."""

    def __call__(self, report: Report, decision: Decision, *, title: str = "") -> str: ...


RENDERERS: Mapping[str, Renderer] = {
    "terminal": terminal.render,
    "json": json.render,
    "junit": junit.render,
    "markdown": markdown.render,
}
