"""A report and its decision as text. A renderer returns a string; only a command prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TextIO

from envcheck.core import Decision, Report
from envcheck.render.html import render as render_html
from envcheck.render.json import render as render_json
from envcheck.render.junit import render as render_junit
from envcheck.render.markdown import render as render_markdown
from envcheck.render.terminal import Style
from envcheck.render.terminal import render as render_terminal


class Renderer(Protocol):
    """What the formats have in common."""

    def __call__(self, report: Report, decision: Decision, *, title: str = "") -> str: ...


RENDERERS: Mapping[str, Renderer] = {
    "terminal": render_terminal,
    "json": render_json,
    "junit": render_junit,
    "markdown": render_markdown,
    "html": render_html,
}


def render_for(stream: TextIO, output: str, report: Report, decision: Decision, *, title: str = "") -> str:
    """The report in one of the formats; for a screen, as wide and as colourful as the stream can show it."""
    if output == "terminal":
        return render_terminal(report, decision, title=title, style=Style.of(stream))
    return RENDERERS[output](report, decision, title=title)
