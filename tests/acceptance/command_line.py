"""Running bgb as a user does, on a small run of the demo corpus."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bgb.variables import foreign, is_own

ROOT = Path(__file__).resolve().parents[2]
BGB = [sys.executable, "-m", "bgb"]
TEST_RUNNER = ("PYTEST_", "COV_", "COVERAGE_")


def bgb(
    *words: str | Path, cwd: Path | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*BGB, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        timeout=280,
        env={**clean_environment(), **(environ or {})},
    )


def clean_environment() -> dict[str, str]:
    """This environment without what a test runner adds and what a run would judge; importing Lightning sets some."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith(TEST_RUNNER) or is_own(name) or foreign(name))
    }


def write_config(folder: Path, file: str = "run.yaml", **changes: Any) -> Path:
    """The shipped smoke run on the places below `folder`, with a tiny network and one epoch."""
    content = yaml.safe_load((ROOT / "configs/local/smoke.yaml").read_text(encoding="utf-8"))
    content["paths"] = {place: str(folder / place) for place in ("corpus", "cache", "runs")}
    content["preflight"] = {
        "policy": str(ROOT / "configs/policies/local.toml"),
        "lockfile": str(ROOT / "constraints.txt"),
    }
    content["model"]["encoder"] = {"channels": [4, 4, 8, 8], "kernel_size": 3}
    content["model"]["mamba"] |= {"layers": 1, "d_model": 8, "headdim": 8, "d_state": 4, "chunk_size": 64}
    content["train"] |= {"epochs": 1}
    for section, values in changes.items():
        content[section] = {**content.get(section, {}), **values} if isinstance(values, dict) else values
    if "expect" in changes:
        content["expect"] = changes["expect"]
    path = folder / file
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def counts_of(corpus: Path) -> dict[str, int]:
    """Recordings of each split, by counting files."""
    return dict(Counter(path.relative_to(corpus / "edf").parts[0] for path in corpus.rglob("*.edf")))
