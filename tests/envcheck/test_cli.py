from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envcheck.cli import main
from envcheck.core import Entry, Facts, Unseen
from envcheck.facts.packages import Packages
from envcheck.facts.python_build import PythonBuild
from envcheck.receipt import read_receipt
from envcheck.storage import write_json

POLICY = """
name = "pythons"
[require]
checks = ["python_version"]
[expect.python]
version = "{version}"
"""

Call = Callable[..., tuple[object, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command in a folder of its own: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        captured = capsys.readouterr()
        return left.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def python() -> PythonBuild:
    return PythonBuild.observe()


@pytest.fixture
def facts(tmp_path: Path, python: PythonBuild) -> Path:
    """Facts of which one was seen."""
    path = tmp_path / "facts.json"
    unseen = Entry(schema=1, value=Unseen(reason="no answer within 20 s"))
    write_json(path, Facts({**Facts.of(python, Packages(packages=())), "torch_build": unseen}).to_json())
    return path


def policy(tmp_path: Path, version: str) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY.format(version=version))
    return str(path)


def test_observe_shows_what_was_seen_and_keeps_it(call: Call, tmp_path: Path) -> None:
    status, out, err = call("observe", "python_build", "--out", "seen.json")
    assert (status, err.startswith("python_build: seen")) == (0, True)
    assert out.startswith("python_build  (")
    assert json.loads((tmp_path / "seen.json").read_text())["python_build"]["value"]["implementation"] == "cpython"


def test_observe_takes_a_fact_of_anybody_with_parameters(call: Call) -> None:
    address = "tests.envcheck.toy_facts:Greeting"
    status, out, _ = call("observe", address, "--with", '{"name": "Ana"}', "--json")
    assert status == 0
    assert json.loads(out)["greeting"]["value"] == {"text": "hello Ana"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("observe", "python_bild"), "no fact is called 'python_bild'; did you mean 'python_build'?"),
        (("observe", "no.such:Fact"), "no fact is at 'no.such:Fact' (MODULE:CLASS): No module named 'no'"),
        (("observe", "tests.envcheck.toy_facts:NOT_A_FACT"), "is not a fact"),
        (
            ("observe", "python_build", "--with", "[1]"),
            "parameters of a fact as {\"name\": value}, found '[1]'",
        ),
        (("observe", "python_build", "--with", "{"), "expected the parameters of a fact"),
        (("observe", "--with", '{"a": 1}'), "no fact is named; add its name"),
        (("observe", "--suite", "imag"), "no suite is called 'imag'; did you mean 'image'?"),
        (("judge", "none.json"), "none.json: no such file"),
        (("judge", "--only", "python_versoin"), "has no check 'python_versoin'; did you mean 'python_version'?"),
        (("gate", "--policy", "none.toml"), "none.toml: the policy cannot be read"),
        (("gate", "--policy", "none.toml", "--subject", "plan"), "expected NAME=FILE for a subject, found 'plan'"),
        (("gate",), "Missing option '--policy'"),
        (("explain", "torch_biuld"), "no check is called 'torch_biuld'; did you mean 'torch_build'?"),
        (("parity", "none.json", "other.json"), "none.json: no such file"),
    ],
)
def test_a_wrong_word_is_one_message_and_status_2(call: Call, arguments: tuple[str, ...], message: str) -> None:
    status, out, err = call(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_a_file_that_holds_no_facts_says_how_to_make_them(call: Call, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text('{"hello": 1}')
    status, _, err = call("judge", "facts.json")
    assert status == 2
    assert "facts.json: expected facts" in err
    assert "envcheck observe --out facts.json" in err


def test_judge_requires_every_check_when_no_policy_says_which(call: Call, facts: Path) -> None:
    status, out, _ = call("judge", str(facts), "--json")
    content = json.loads(out)
    assert status == 3
    assert {check["standing"] for check in content["checks"]} <= {"passed", "unknown"}
    assert "state [expect.python] in the policy" in {check["remedy"] for check in content["checks"]}


def test_one_check_alone_never_opens(call: Call, facts: Path, tmp_path: Path, python: PythonBuild) -> None:
    arguments = ("--policy", policy(tmp_path, python.version), "--only", "python_version")
    status, out, _ = call("judge", str(facts), *arguments)
    assert status == 3
    assert "  ok  python_version" in out
    assert "run again without --only and --skip" in out


def test_the_lock_becomes_an_expectation_when_the_python_was_seen(call: Call, facts: Path, tmp_path: Path) -> None:
    lock = tmp_path / "constraints.txt"
    lock.write_text(f"numpy==1.26.4 --hash=sha256:{'a' * 64}\n")
    path = tmp_path / "packages.toml"
    path.write_text('name = "p"\n[require]\nchecks = ["packages_locked"]\n[expect.packages]\n')
    arguments = ("--policy", str(path), "--lock", str(lock), "--tier", "quick", "--json")
    status, out, _ = call("judge", str(facts), *arguments)
    (check,) = [check for check in json.loads(out)["checks"] if check["name"] == "packages_locked"]
    assert (status, check["verdict"]) == (1, "fail")
    write_json(facts, {})
    status, out, _ = call("judge", str(facts), *arguments)
    assert status == 3


def test_an_open_gate_leaves_a_receipt_that_binds_what_was_named(
    call: Call, facts: Path, tmp_path: Path, python: PythonBuild
) -> None:
    (tmp_path / "plan.json").write_text("{}")
    arguments = ("--policy", policy(tmp_path, python.version), "--tier", "quick", "--receipt", "kept")
    status, out, err = call("gate", str(facts), *arguments, "--subject", "plan=plan.json")
    assert (status, err) == (0, "receipt: kept/receipt.json\n")
    assert "  OPEN  " in out
    assert set(read_receipt(tmp_path / "kept").subjects) == {"environment", "plan"}
    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {"report.json", "report.md", "facts.json"}


def test_the_receipt_binds_the_lock(call: Call, facts: Path, tmp_path: Path, python: PythonBuild) -> None:
    lock = tmp_path / "constraints.txt"
    lock.write_text(f"numpy==1.26.4 --hash=sha256:{'a' * 64}\n")
    arguments = ("--policy", policy(tmp_path, python.version), "--lock", str(lock), "--receipt", "kept")
    assert call("gate", str(facts), *arguments)[0] == 0
    assert set(read_receipt(tmp_path / "kept").subjects) == {"environment", "lockfile"}


def test_a_closed_gate_revokes_an_old_receipt(call: Call, facts: Path, tmp_path: Path, python: PythonBuild) -> None:
    call("gate", str(facts), "--policy", policy(tmp_path, python.version), "--receipt", "kept")
    status, out, err = call("gate", str(facts), "--policy", policy(tmp_path, "2.7"), "--receipt", "kept")
    assert (status, err) == (1, "an earlier receipt in kept was revoked\n")
    assert "  CLOSED  " in out
    assert not (tmp_path / "kept" / "receipt.json").exists()
    assert call("gate", str(facts), "--policy", policy(tmp_path, "2.7"), "--receipt", "kept")[2] == "no receipt\n"


def test_a_subject_that_cannot_be_read_leaves_no_receipt(
    call: Call, facts: Path, tmp_path: Path, python: PythonBuild
) -> None:
    arguments = ("--policy", policy(tmp_path, python.version), "--receipt", "kept", "--subject", "plan=none")
    status, out, err = call("gate", str(facts), *arguments)
    assert (status, out) == (2, "")
    assert "none: the subject cannot be read" in err
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("output", "start"), [("junit", "<?xml"), ("markdown", "## image"), ("html", "<!doctype html>"), ("json", "{")]
)
def test_a_report_comes_in_every_format(call: Call, facts: Path, output: str, start: str) -> None:
    assert call("judge", str(facts), "--format", output)[1].startswith(start)


def test_parity_compares_files_under_short_names(call: Call, facts: Path, tmp_path: Path, python: PythonBuild) -> None:
    write_json(tmp_path / "other.json", json.loads(facts.read_text()))
    status, out, _ = call("parity", str(facts), "other.json")
    assert status == 1
    assert "torch_build" in out
    write_json(facts, Facts.of(python).to_json())
    (tmp_path / "image").mkdir()
    write_json(tmp_path / "image" / "facts.json", Facts.of(python).to_json())
    status, out, _ = call("parity", str(facts), str(tmp_path / "image" / "facts.json"), "--json")
    content: Any = json.loads(out)
    assert (status, content["equal"]) == (0, True)
    assert content["names"] == [str(facts), str(tmp_path / "image" / "facts.json")]


def test_explain_tells_the_story_of_a_check(call: Call) -> None:
    status, out, _ = call("explain", "torch_build")
    assert status == 0
    assert "How to fix: " in out
    assert set(json.loads(call("explain", "torch_build", "--json")[1])) == {"name", "title", "why", "fix"}


def test_list_names_everything(call: Call) -> None:
    status, out, _ = call("list")
    assert status == 0
    assert out.startswith("facts\n")
    assert set(json.loads(call("list", "--json")[1])) == {"facts", "checks", "suites"}


@pytest.mark.parametrize("command", ["observe", "judge", "gate", "parity", "explain", "list"])
def test_every_command_shows_an_example(call: Call, command: str) -> None:
    status, out, _ = call(command, "--help")
    assert status == 0
    assert f"Example: envcheck {command}" in out
