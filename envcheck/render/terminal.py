"""For people: one line a check, mark first; below those that did not pass, what to do; the verdict last."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from envcheck.core import Decision, Evidence, Judged, Report, Standing

MAX_EVIDENCE = 8
SLOWEST = 3
WORTH_NAMING_SECONDS = 0.05
PIPE_WIDTH = 100
INDENT = 2

_MARKS = {
    Standing.PASSED: ("✓", "ok", "green"),
    Standing.FAILED: ("✗", "FAIL", "bold red"),
    Standing.UNKNOWN: ("?", "UNKNOWN", "bold yellow"),
    Standing.ABSENT: ("?", "ABSENT", "bold yellow"),
    Standing.WARNED: ("!", "warning", "yellow"),
    Standing.WAIVED: ("~", "waived", "cyan"),
}
_WORDS = {
    Standing.FAILED: "failed",
    Standing.UNKNOWN: "unknown",
    Standing.ABSENT: "did not run",
    Standing.WARNED: "with a warning",
    Standing.WAIVED: "waived",
    Standing.PASSED: "passed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the place that shows the text can show. The default suits a log: no colour, words for marks."""

    width: int = PIPE_WIDTH
    color: bool = False
    symbols: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> Self:
        """As rich sees the stream: NO_COLOR, TERM and COLUMNS are its to read."""
        console = Console(file=stream)
        if not console.is_terminal:
            return cls()
        plain = console.no_color or console.color_system is None
        return cls(
            width=console.width, color=not plain, symbols=not plain and console.encoding.lower().startswith("utf")
        )

    def mark(self, standing: Standing) -> Text:
        symbol, word, color = _MARKS[standing]
        return Text(symbol if self.symbols else word, style=color)

    def join(self, parts: Sequence[str]) -> str:
        return (" · " if self.symbols else ", ").join(part for part in parts if part)


def render(report: Report, decision: Decision, *, title: str = "", style: Style | None = None) -> str:
    """The report as text; `style` says for what kind of screen."""
    style = style or Style()
    output = io.StringIO()
    console = Console(
        file=output,
        width=style.width,
        force_terminal=style.color,
        color_system="standard" if style.color else None,
        legacy_windows=False,
        highlight=False,
        emoji=False,
    )
    for part in _parts(report, decision, title, style):
        console.print(part, soft_wrap=isinstance(part, Text))
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())


def _parts(report: Report, decision: Decision, title: str, style: Style) -> Iterator[RenderableType]:
    about = [f"suite {report.suite}" if title else "", f"tier {report.tier}"]
    yield Text(title or f"suite {report.suite}", style="bold").append(f"  {style.join(about)}", style="not bold dim")
    yield ""
    yield from _checks(report, decision, style)
    yield from _section("Waived", decision.waived)
    yield from _section("Warnings", _other_warnings(decision))
    yield from _section("Seen earlier", report.seen_earlier)
    yield from _section("Not checked", report.not_checked)
    yield _timing(report, style)
    yield ""
    yield from _verdict(report, decision, style)


def _checks(report: Report, decision: Decision, style: Style) -> Iterator[RenderableType]:
    results = {result.check: result for result in report.results}
    shown = _shown(report, decision)
    mark_width = max((len(style.mark(standing)) for standing in shown.values()), default=0)
    name_width = max(map(len, shown), default=0)
    for name, standing in shown.items():
        result = results.get(name)
        row = Table.grid(padding=(0, 2, 0, 0), expand=True)
        row.add_column(width=mark_width, no_wrap=True)
        row.add_column(width=min(name_width, style.width // 3), overflow="fold")
        row.add_column(ratio=1, overflow="fold")
        row.add_column(width=7, justify="right", no_wrap=True)
        summary = result.finding.summary if result else "required, and it did not run"
        seconds = Text(_seconds(result.seconds), style="dim") if result else Text()
        row.add_row(style.mark(standing), Text(name), Text(summary), seconds)
        yield Padding(row, (0, 0, 0, INDENT))
        if result is not None and standing is not Standing.PASSED:
            yield from _details(result, mark_width + 2 * INDENT)


def _shown(report: Report, decision: Decision) -> dict[str, Standing]:
    """Of a part that was asked for, only the part; else also what is required and did not run."""
    return {
        name: standing
        for name, standing in decision.standings.items()
        if not (report.partial and standing is Standing.ABSENT)
    }


def _details(result: Judged, indent: int) -> Iterator[RenderableType]:
    evidence = result.finding.evidence
    if evidence:
        yield Padding(_evidence(evidence[:MAX_EVIDENCE]), (0, 0, 0, indent))
    if len(evidence) > MAX_EVIDENCE:
        yield Padding(
            Text(f"and {len(evidence) - MAX_EVIDENCE} more; --json shows all", style="dim"), (0, 0, 0, indent)
        )
    if result.finding.remedy:
        # Not wrapped: a command that is broken over lines cannot be pasted.
        yield Text(" " * indent).append("fix  ", style="dim").append(result.finding.remedy, style="cyan")


def _evidence(items: Sequence[Evidence]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for item in items:
        expected = f", expected {item.expected}" if item.expected else ""
        table.add_row(Text(item.subject, style="dim"), Text(f"found {item.found}{expected}"))
    return table


def _section(heading: str, lines: Sequence[str]) -> Iterator[RenderableType]:
    if not lines:
        return
    yield ""
    yield Text(" " * INDENT + heading, style="bold")
    for line in lines:
        yield Padding(Text(line, style="dim"), (0, 0, 0, 2 * INDENT))


def _other_warnings(decision: Decision) -> list[str]:
    """Warnings that are not already shown as a check of their own."""
    shown = tuple(f"{name}: " for name, standing in decision.standings.items() if standing is Standing.WARNED)
    return [line for line in decision.warnings if not shown or not line.startswith(shown)]


def _timing(report: Report, style: Style) -> RenderableType:
    slow = sorted(report.results, key=lambda result: -result.seconds)[:SLOWEST]
    named = [f"{result.check} {_seconds(result.seconds)}" for result in slow if result.seconds > WORTH_NAMING_SECONDS]
    slowest = f"slowest: {', '.join(named)}" if named else ""
    return Padding(
        Text(style.join([f"observed in {_seconds(report.observe_seconds)}", slowest]), style="dim"), (1, 0, 0, INDENT)
    )


def _verdict(report: Report, decision: Decision, style: Style) -> Iterator[RenderableType]:
    word, color = ("OPEN", "bold green") if decision.open else ("CLOSED", "bold red")
    standings = list(_shown(report, decision).values())
    counts = [f"{standings.count(standing)} {name}" for standing, name in _WORDS.items() if standing in standings]
    yield Text(" " * INDENT).append(word, style=color).append(f"  {style.join(counts)}")
    for reason in decision.reasons:
        yield Padding(Text(reason), (0, 0, 0, 2 * INDENT))
    if step := _next_step(report, decision):
        yield Text(" " * INDENT).append("next  ", style="bold").append(step, style="cyan")


def _next_step(report: Report, decision: Decision) -> str:
    """The first thing to do: mend what failed, then look at what could not be seen, then judge the whole."""
    if decision.open:
        return ""
    for wanted in (Standing.FAILED, Standing.UNKNOWN):
        for result in report.results:
            if decision.standings[result.check] is wanted and result.finding.remedy:
                return result.finding.remedy
    if report.partial:
        return "run again without --only and --skip"
    if Standing.ABSENT in decision.standings.values():
        return "run again at a deeper --tier"
    return "name the checks that must pass under [require] in the policy"


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 10 else f"{seconds:.2f} s"
