"""The two incidents that this project was born from, made to happen: a limit that leaked, and one that outlived itself.

A leaked `BGB_LIMIT_FILES=50` turned a training on 3,734 recordings into one on 50, and nobody could say where it came
from. When the variable was gone, the limit lived on in the manifest of the cache.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bgb.config import load_config
from bgb.preflight.checks import environment
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.run_environment import RunEnvironment
from bgb.preflight.facts.variable_origins import VariableOrigins
from envcheck.collect import collect
from envcheck.core import Context, Expectations, Request, Verdict
from envcheck.runners import Completed
from tests.acceptance.command_line import bgb, clean_environment, counts_of, write_config

NAME = "BGB_LIMIT_FILES"


@pytest.fixture
def full(world: Path, tmp_path: Path) -> Path:
    """A run of the whole demo corpus, without a limit."""
    (tmp_path / "corpus").symlink_to(world / "corpus")
    return write_config(tmp_path, data={"limit_files": None}, environment={"allow": {}})


def judged(script: str, config: Path, **environ: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the environment finding of a preflight that this shell script starts as `preflight`."""
    command = f'"{sys.executable}" -m bgb preflight "{config}" --for cache --tier quick --json'
    answer = subprocess.run(
        ["bash", "--norc", "-c", script.replace("preflight", command)],
        capture_output=True,
        text=True,
        check=False,
        cwd=config.parent,
        env={**clean_environment(), **environ},
    )
    report = json.loads(answer.stdout)
    return answer.returncode, next(check for check in report["checks"] if check["name"] == "environment")


def found(finding: dict[str, Any]) -> str:
    return str(finding["evidence"][0]["found"])


def test_a_limit_leaked_from_the_shell_closes_the_gate_and_names_the_shell(full: Path) -> None:
    status, finding = judged(f"export {NAME}=50; preflight; exit $?", full)
    assert (status, finding["verdict"]) == (1, "fail")
    assert found(finding).startswith(f"{NAME}=50, inherited from the shell (process ")


def test_a_limit_leaked_from_an_env_file_names_the_file_and_the_line(full: Path) -> None:
    (full.parent / ".env").write_text(f"WANDB_API_KEY=x\n{NAME}=50\n", encoding="utf-8")
    status, finding = judged("set -a; . ./.env; set +a; preflight; exit $?", full)
    assert status == 1
    assert f"also named in the file {full.parent / '.env'}, line 2" in found(finding)


def test_a_limit_leaked_from_a_start_up_file_names_it_below_the_home(full: Path) -> None:
    (full.parent / ".profile").write_text(f"\n\nexport {NAME}=50\n", encoding="utf-8")
    _, finding = judged(". ~/.profile; preflight; exit $?", full, HOME=str(full.parent))
    assert "also named in the start-up file ~/.profile, line 3" in found(finding)


def test_a_limit_leaked_from_a_parent_process_names_that_process(full: Path) -> None:
    code = 'import os, subprocess, sys; os.environ["BGB_LIMIT_FILES"] = "50"; sys.exit(subprocess.call(sys.argv[1:]))'
    status, finding = judged(f"\"{sys.executable}\" -c '{code}' preflight; exit $?", full)
    assert status == 1
    assert "set inside process" in found(finding)


def test_a_limit_brought_by_a_modal_secret_names_the_secret(full: Path) -> None:
    """Facts come through a runner as from a container whose Secret holds the variable."""

    def container(argv: Sequence[str], stdin: bytes, timeout_seconds: float) -> Completed:
        environ = {**clean_environment(), NAME: "50"}
        answer = subprocess.run(
            argv, input=stdin, capture_output=True, timeout=timeout_seconds, env=environ, check=False
        )
        return Completed(returncode=answer.returncode, stdout=answer.stdout, stderr=answer.stderr, seconds=0.0)

    provided = {"the Modal Secret training-defaults": [NAME, "WANDB_PROJECT"]}
    facts = collect(
        [
            Request(fact=RunEnvironment, parameters={"salt": secrets.token_hex(16)}),
            Request(fact=VariableOrigins, parameters={"directory": "/", "provided": provided}),
        ],
        runner=container,
    )
    contract = RunContract.from_config(load_config(full), "train")
    finding = environment.check(Context(facts=facts, expect=Expectations.of(contract)))
    assert finding.verdict is Verdict.FAIL
    assert finding.evidence[0].found == f"{NAME}=50, brought by the Modal Secret training-defaults"


@pytest.mark.parametrize("value", ["50", "", "0", "-1", "all"])
def test_no_value_of_the_variable_changes_the_plan(full: Path, value: str) -> None:
    words = ("plan", full, "--for", "cache", "--json")
    plain, leaked = bgb(*words), bgb(*words, environ={NAME: value})
    assert json.loads(plain.stdout)["digest"] == json.loads(leaked.stdout)["digest"]


def test_smoke_followed_by_full_on_the_same_cache_uses_every_recording(world: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").symlink_to(world / "corpus")
    everything = counts_of(tmp_path / "corpus")
    limited = dict.fromkeys(everything, 6)
    smoke = write_config(
        tmp_path, "smoke.yaml", data={"limit_files": 6}, expect={"files": limited, "patients": {}}, name="smoke"
    )
    full = write_config(tmp_path, "full.yaml", data={"limit_files": None}, expect={"files": everything}, name="full")

    for words in (("preflight", smoke, "--for", "cache"), ("build-cache", smoke)):
        answer = bgb(*words)
        assert answer.returncode == 0, answer.stdout + answer.stderr

    stale = bgb("preflight", full, "--for", "train", "--tier", "quick", "--json")
    verdicts = {check["name"]: check for check in json.loads(stale.stdout)["checks"]}
    assert stale.returncode == 1
    assert "limit" in verdicts["manifest_current"]["summary"]
    assert verdicts["run_contract"]["verdict"] == "fail"

    for words in (("preflight", full, "--for", "cache"), ("build-cache", full)):
        answer = bgb(*words)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    plan = json.loads(bgb("plan", full, "--json").stdout)["plan"]
    assert {split: part["recordings"] for split, part in plan["splits"].items()} == {
        split: everything[split] for split in ("train", "dev")
    }
