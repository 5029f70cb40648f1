"""Mistakes of environment and data that people have made, each made again: the check, the message, the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bgb.data.synthetic import write_demo_corpus
from tests.acceptance.command_line import bgb, counts_of, write_config

PATIENTS = ("aaaaaaab", "aaaaaaap")
"""One of train and one of dev, both with seizures: a corpus in a second."""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A run on two patients; its corpus is the test's own to damage."""
    write_demo_corpus(tmp_path / "corpus", patients=PATIENTS)
    expect = {"files": counts_of(tmp_path / "corpus")}
    return write_config(tmp_path, expect=expect, data={"limit_files": None}, environment={"allow": {}})


def preflight(config: Path, environ: dict[str, str] | None = None) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status of a quick look before a cache is built, and its findings by check."""
    answer = bgb("preflight", config, "--for", "cache", "--tier", "quick", "--json", environ=environ)
    assert "Traceback" not in answer.stderr
    return answer.returncode, {check["name"]: check for check in json.loads(answer.stdout)["checks"]}


def said(check: dict[str, Any]) -> str:
    return f"{check['summary']} {check['evidence']}"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BGB_LIMIT_FILES", "50", "does not name it"),  # E01
        ("BGB_SMOKE_TEST", "1", "not a variable of this project"),  # E01
        ("BGB_LIMIT_FILES", "0", "expected a positive integer"),  # E02
        ("BGB_FORCE_MANIFEST_REBUILD", "true", "expected 0 or 1"),  # E03
        ("BGB_LIMIT_FILES", "", "is empty"),  # E04
        ("WANDB_MODE", "", "where metrics go"),  # E04
        ("BGB_LIMIT_FILE", "50", "the nearest is BGB_LIMIT_FILES"),  # E05
        ("bgb_limit_files", "7", "the nearest is BGB_LIMIT_FILES"),  # E05
        ("WANDB_MODE", "disabled", "where metrics go"),  # E08
        ("WANDB_RUN_ID", "abc123", "where metrics go"),  # E09
        ("CUDA_LAUNCH_BLOCKING", "1", "waits for each kernel"),  # E10
        ("TRITON_INTERPRET", "1", "interprets kernels"),  # E10
        ("PYTHONTRACEMALLOC", "1", "traces every allocation"),  # E10
        ("TORCHDYNAMO_DISABLE", "1", "read by torch or its compiler"),  # E10
        ("OMP_NUM_THREADS", "1", "sets CPU threads"),  # E10
        ("NVIDIA_TF32_OVERRIDE", "0", "turns TF32 off"),  # C08
    ],
)
def test_a_variable_that_changes_a_run_closes_the_gate(small: Path, name: str, value: str, message: str) -> None:
    status, checks = preflight(small, {name: value})
    assert (status, checks["environment"]["verdict"]) == (1, "fail")
    assert message in said(checks["environment"])
    assert checks["environment"]["remedy"] == f"unset {name}"


def first(config: Path, pattern: str) -> Path:
    return next(path for path in sorted((config.parent / "corpus").rglob(pattern)))


def edit(config: Path, pattern: str, change: Callable[[str], str]) -> None:
    path = next(
        p for p in sorted((config.parent / "corpus").rglob(pattern)) if ",seiz," in p.read_text(encoding="utf-8")
    )
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def header(config: Path, offset: int, text: bytes) -> None:
    path = first(config, "*.edf")
    content = path.read_bytes()
    path.write_bytes(content[:offset] + text + content[offset + len(text) :])


def truncate(config: Path) -> None:
    path = first(config, "*.edf")
    path.write_bytes(path.read_bytes()[:-1000])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "F01 semicolons": (lambda c: edit(c, "*.csv_bi", lambda text: text.replace(",", ";")), "expected the columns"),
    "F01 capitals": (lambda c: edit(c, "*.csv_bi", lambda text: text.replace(",seiz,", ",SEIZ,")), "SEIZ"),
    "F01 three columns": (
        lambda c: edit(c, "*.csv_bi", lambda text: "\n".join(line.rpartition(",")[0] for line in text.splitlines())),
        "expected the columns",
    ),
    "F01 empty": (lambda c: first(c, "*.csv_bi").write_text("", encoding="utf-8"), "the label file is empty"),
    "F02 unknown label": (lambda c: edit(c, "*.csv_bi", lambda text: text.replace(",seiz,", ",zzsz,")), "zzsz"),
    "F03 missing label file": (lambda c: first(c, "*.csv_bi").unlink(), "the label file is missing"),
    "F04 missing channel": (lambda c: header(c, 256, b"EEG X1-REF      "), "label"),
    "F06 truncated": (truncate, "bytes"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_data_closes_the_gate_and_names_what_is_wrong(small: Path, damage: str) -> None:
    change, message = DAMAGE[damage]
    change(small)
    status, checks = preflight(small)
    assert (status, checks["corpus_readable"]["verdict"]) == (1, "fail")
    assert message in said(checks["corpus_readable"])


def test_a_colon_in_the_header_date_is_repaired_in_memory_and_never_in_the_file(small: Path) -> None:  # F05
    header(small, 168, b"01:01:03")
    before = first(small, "*.edf").read_bytes()
    status, checks = preflight(small)
    assert status == 3, "nothing failed; a quick look leaves required checks out"
    assert "repaired in memory" in checks["corpus_readable"]["summary"]
    assert first(small, "*.edf").read_bytes() == before


def test_a_folder_called_val_is_answered_with_dev(small: Path) -> None:  # F13
    edf = small.parent / "corpus" / "edf"
    (edf / "dev").rename(edf / "val")
    status, checks = preflight(small)
    assert status == 1
    assert "the split is called 'dev', not 'val'" in checks["corpus_readable"]["summary"]


def test_a_patient_in_two_splits_closes_the_gate(small: Path) -> None:  # F13
    edf = small.parent / "corpus" / "edf"
    (edf / "dev" / PATIENTS[1]).rename(edf / "dev" / PATIENTS[0])
    status, checks = preflight(small)
    assert (status, checks["patients_disjoint"]["verdict"]) == (1, "fail")


def test_no_check_deletes_or_changes_a_cache(small: Path) -> None:  # F14
    foreign = small.parent / "cache" / "train" / "aa" / "copied_without_metadata.npz"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"450 GB")
    bgb("preflight", small, "--for", "train", "--tier", "quick")
    assert bgb("scan-cache", small).returncode == 1
    assert foreign.read_bytes() == b"450 GB"
