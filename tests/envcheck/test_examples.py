"""Each file under `tests/examples/{positive,negative}/<check>/` is a test: facts, expectations, and what is said.

`facts` is what `envcheck observe --json` writes; a negative example fails unless it states another `verdict`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envcheck.checks import CHECKS
from envcheck.core import Context, Expectations, Facts, Finding, Suite, Tier, Verdict
from envcheck.judge import Selection, judge

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
OURS = [path for path in sorted(EXAMPLES.glob("*/*/*.json")) if path.parent.name in CHECKS]


def judge_example(path: Path) -> tuple[dict[str, Any], Finding]:
    example = json.loads(path.read_text(encoding="utf-8"))
    name = path.parent.name
    stated = Context(facts=Facts.from_json(example["facts"]), expect=Expectations.from_json(example["expect"]))
    suite = Suite(name="example", requests=(), checks={name: Tier.QUICK})
    (result,) = judge(suite, CHECKS, stated, Selection(tier=Tier.QUICK)).results
    return example, result.finding


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(EXAMPLES).with_suffix("")))
def test_an_example_is_judged_as_its_folder_says(path: Path) -> None:
    example, finding = judge_example(path)
    good = path.parents[1].name == "positive"
    assert finding.verdict is (Verdict.PASS if good else Verdict(example.get("verdict", "fail")))
    assert example["says"] in finding.summary
    assert good or finding.remedy


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", ["positive", "negative"])
def test_every_check_has_an_example_of_each_kind(check: str, kind: str) -> None:
    assert list((EXAMPLES / kind / check).glob("*.json"))
