"""What the README says of files and checks is generated: `python -m tests.test_readme` writes it again."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from bgb.preflight.suites import CHECKS, SUITES
from envcheck.explain import explain

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"


def files() -> str:
    """A line for every module: the first line of its docstring."""
    lines = []
    for package in ("envcheck", "bgb"):
        lines += [f"- `{path.relative_to(ROOT)}`: {first_line(path)}" for path in modules(package)]
    return "\n".join(lines)


def modules(package: str) -> list[Path]:
    found = (ROOT / package).rglob("*.py")
    return sorted(path for path in found if path.name != "__init__.py")


def first_line(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def checks() -> str:
    """A row for every check that bgb knows."""
    rows = ["| check | title | cache | train | GPU |", "| --- | --- | --- | --- | --- |"]
    for name in sorted(CHECKS):
        tiers = [str(SUITES[suite].get(name, "")) for suite in ("cache", "train", "train-gpu")]
        rows.append(f"| `{name}` | {explain(name, CHECKS[name]).title} | {' | '.join(tiers)} |")
    return "\n".join(rows)


SECTIONS = {"files": files, "checks": checks}


def written(text: str) -> str:
    """The README with its generated sections as they should be."""
    for name, section in SECTIONS.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}{start}{section()}\n{end}{after}"
    return text


def test_the_generated_sections_of_the_readme_are_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert all(f"<!-- {name} -->" in text for name in SECTIONS)
    assert written(text) == text, "run: python -m tests.test_readme"


def test_every_check_explains_what_it_is_for_why_and_how_to_fix() -> None:
    for name, check in CHECKS.items():
        explanation = explain(name, check)
        assert explanation.title, name
        assert explanation.why, name
        assert explanation.fix, name


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{README} is current\n")
