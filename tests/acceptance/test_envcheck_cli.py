"""envcheck as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.envcheck.processes import is_gone

POLICY = """
name = "pythons"
[require]
checks = ["python_version"]
[expect.python]
version = "3"
"""


def envcheck(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "envcheck", *arguments]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def test_facts_travel_from_observe_to_judge_to_the_gate_to_a_receipt(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    seen = envcheck("observe", "python_build", "--out", "facts.json", "--json", cwd=tmp_path)
    assert seen.returncode == 0
    assert json.loads(seen.stdout) == json.loads((tmp_path / "facts.json").read_text())

    gated = envcheck("gate", "facts.json", "--policy", "policy.toml", "--receipt", "kept", cwd=tmp_path)
    assert gated.returncode == 0, gated.stdout + gated.stderr
    assert "OPEN" in gated.stdout
    statement = json.loads((tmp_path / "kept" / "receipt.json").read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"

    (tmp_path / "policy.toml").write_text(POLICY.replace('"3"', '"2.7"'))
    closed = envcheck("gate", "facts.json", "--policy", "policy.toml", "--receipt", "kept", cwd=tmp_path)
    assert closed.returncode == 1
    assert not (tmp_path / "kept" / "receipt.json").exists()


def test_json_is_json_even_when_the_tool_fails(tmp_path: Path) -> None:
    failed = envcheck("judge", "none.json", "--json", cwd=tmp_path)
    assert failed.returncode == 2
    assert json.loads(failed.stdout)["error"]["message"] == "none.json: no such file"
    assert failed.stderr == "error: none.json: no such file\n"


def test_help_imports_nothing_that_could_be_broken(tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv = ['envcheck', '--help']\n"
        "try:\n    from envcheck.cli import main; main()\n"
        "except SystemExit: pass\n"
        "bad = {'torch', 'numpy', 'packaging', 'elftools', 'pydantic', 'yaml', 'envcheck.facts', 'envcheck.checks'}\n"
        "print(sorted(bad & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_an_interrupt_ends_the_children_and_says_so(tmp_path: Path) -> None:
    fact = tmp_path / "slow.py"
    fact.write_text(
        "import os, time\nfrom dataclasses import dataclass\nfrom envcheck.core import Fact\n"
        "@dataclass(frozen=True, slots=True, kw_only=True)\n"
        "class Slow(Fact):\n    key = 'slow'\n    n: int = 1\n"
        "    @classmethod\n    def observe(cls):\n"
        f"        open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n        time.sleep(60)\n"
    )
    argv = [sys.executable, "-m", "envcheck", "observe", "slow:Slow"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(argv, cwd=tmp_path, stderr=subprocess.PIPE, env=environment, text=True) as process:
        deadline = time.monotonic() + 60
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, "interrupted\n")
    assert is_gone(int((tmp_path / "pid").read_text()))
