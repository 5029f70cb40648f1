from __future__ import annotations

import json

from envcheck.core import Evidence, Finding, Judged, Standing, Verdict
from envcheck.gate import decide
from envcheck.policy import Policy
from envcheck.render.json import render
from tests.envcheck.render.reports import CLOSED, TODAY, closed, opened
from tests.envcheck.toy_suite import report_of


def test_a_closed_report_says_all_of_it() -> None:
    content = json.loads(render(*closed(), title="bgb preflight"))
    assert {key: content[key] for key in ("schema_version", "title", "suite", "tier", "open", "verdict")} == {
        "schema_version": 1,
        "title": "bgb preflight",
        "suite": "walk",
        "tier": "standard",
        "open": False,
        "verdict": "fail",
    }
    assert content["reasons"][0] == "torch_build: torch is built for the CPU"
    assert {check["name"]: check["standing"] for check in content["checks"]} == {
        name: standing for name, standing in CLOSED.items() if standing is not Standing.ABSENT
    }
    assert content["absent"] == ["kernels"]
    assert content["not_checked"] == ["kernels: runs from tier deep", "the weather"]
    assert len(content["warnings"]) == len(content["waived"]) == 1


def test_a_check_has_its_evidence_remedy_and_what_it_read() -> None:
    check = json.loads(render(*closed()))["checks"][1]
    assert check == {
        "name": "torch_build",
        "standing": "failed",
        "verdict": "fail",
        "summary": "torch is built for the CPU",
        "evidence": [{"subject": "torch/version.py", "found": "2.8.0+cpu", "expected": "2.2.2+cu121"}],
        "remedy": "pip install -r constraints.txt",
        "seconds": 2.3,
        "reads": ["torch_build", "expect.torch"],
    }


def test_an_open_report_says_so() -> None:
    content = json.loads(render(*opened()))
    assert (content["open"], content["verdict"], content["reasons"]) == (True, "pass", [])


def test_no_character_can_damage_a_terminal() -> None:
    finding = Finding(verdict=Verdict.PASS, summary="\x1b[2J é \udce9", evidence=(Evidence(subject="ü", found="\n"),))
    report = report_of({})
    report = type(report)(
        **{name: getattr(report, name) for name in report.__slots__ if name != "results"},
        results=(Judged(check="a", finding=finding),),
    )
    text = render(report, decide(report, Policy(name="p", required=("a",)), today=TODAY))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["checks"][0]["summary"] == "\x1b[2J é \udce9"
