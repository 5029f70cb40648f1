from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from envcheck.core import Evidence, Finding, Judged
from envcheck.gate import decide
from envcheck.policy import Policy
from envcheck.render.html import render
from tests.envcheck.render.reports import TODAY, closed, opened


class Outline(HTMLParser):
    """Which tags are open at the end, and the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name in ("src", "href") for name, _ in attrs), "a page that needs nothing but itself"
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_an_open_report_is_a_whole_page_that_says_so() -> None:
    page = Outline(render(*opened(), title="bgb preflight"))
    assert page.open == []
    assert {"bgb preflight", "OPEN", "python_version", "passed", "the weather"} <= set(page.words)


def test_a_closed_report_shows_reasons_and_opens_what_did_not_pass() -> None:
    text = render(*closed())
    page = Outline(text)
    assert page.open == []
    assert {"CLOSED", "torch_build: torch is built for the CPU", "2.8.0+cpu", "2.2.2+cu121"} <= set(page.words)
    assert "<details open><summary>torch is built for the CPU</summary>" in text
    assert "<pre>pip install -r constraints.txt</pre>" in text
    assert "did not run" in page.words


def test_no_text_becomes_markup() -> None:
    finding = Finding.failed("<script>", Evidence(subject="<b>", found="&", expected='"'), remedy="a < b")
    report = replace(opened()[0], results=(Judged(check="a", finding=finding),))
    text = render(report, decide(report, Policy(name="p", required=("a",)), today=TODAY), title="<i>")
    assert "<script>" not in text
    assert "<b>" not in text
    assert Outline(text).open == []
