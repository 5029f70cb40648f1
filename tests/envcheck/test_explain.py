from __future__ import annotations

import sys
import types

import pytest

from envcheck.checks import CHECKS
from envcheck.core import Check, Context, Finding
from envcheck.explain import Explanation, explain

DOCUMENTED = """It does not rain.

Once it rained, and everybody
got wet.

It was cold, too.

How to fix: take
an umbrella.

Or stay.
"""


def check_in(doc: str | None, monkeypatch: pytest.MonkeyPatch) -> Check:
    """A check in a module with this docstring."""
    module = types.ModuleType("rainy", doc)
    monkeypatch.setitem(sys.modules, "rainy", module)

    def check(context: Context) -> Finding:
        return Finding.passed("dry")

    check.__module__ = "rainy"
    return check


def test_a_docstring_gives_title_reason_and_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explain("is_dry", check_in(DOCUMENTED, monkeypatch)) == Explanation(
        name="is_dry",
        title="It does not rain.",
        why=("Once it rained, and everybody got wet.", "It was cold, too."),
        fix="take an umbrella. Or stay.",
    )


def test_what_a_docstring_leaves_out_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    title_only = explain("is_dry", check_in("It does not rain.", monkeypatch))
    assert (title_only.why, title_only.fix) == ((), "")
    assert explain("is_dry", check_in(None, monkeypatch)).title == ""


def test_the_text_is_wrapped_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    text = explain("is_dry", check_in(DOCUMENTED, monkeypatch)).text(width=30)
    assert text == (
        "is_dry\n\n"
        "  It does not rain.\n\n"
        "  Once it rained, and\n  everybody got wet.\n\n"
        "  It was cold, too.\n\n"
        "  How to fix: take an\n  umbrella. Or stay.\n"
    )


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_says_what_it_is_for_why_and_how_to_fix(name: str) -> None:
    explanation = explain(name, CHECKS[name])
    assert explanation.title.endswith(".")
    assert explanation.why
    assert explanation.fix
