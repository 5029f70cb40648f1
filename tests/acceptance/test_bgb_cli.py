"""The commands of bgb as a user types them, in processes of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.command_line import BGB, bgb, clean_environment, write_config


def one_message(answer: subprocess.CompletedProcess[str]) -> str:
    """What a user reads when something is wrong: no traceback, nothing on stdout."""
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""
    return answer.stderr


def test_nothing_is_built_without_a_receipt(world: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").symlink_to(world / "corpus")
    config = write_config(tmp_path)
    answer = bgb("build-cache", config)
    assert answer.returncode == 1
    assert f"bgb preflight {config} --for cache" in one_message(answer)
    assert not (tmp_path / "cache").exists()


def test_a_plan_is_shown_before_anything_exists_but_the_corpus(world: Path) -> None:
    answer = bgb("plan", world / "run.yaml", "--for", "cache", "--json")
    assert answer.returncode == 0, answer.stderr
    plan = json.loads(answer.stdout)["plan"]
    assert plan["splits"]["train"]["recordings"] > 0
    assert set(plan["splits"]) == {"train", "dev", "eval"}


def test_a_plan_for_training_needs_a_cache_and_says_so(world: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").symlink_to(world / "corpus")
    answer = bgb("plan", write_config(tmp_path))
    assert answer.returncode == 2
    assert "bgb build-cache" in one_message(answer)


def test_the_whole_job_runs_and_leaves_what_it_promises(trained: Path) -> None:
    scanned = bgb("scan-cache", trained / "run.yaml", "--verify", "--json")
    assert (scanned.returncode, json.loads(scanned.stdout)["problems"]) == (0, [])
    answer = bgb("evaluate", trained / "run.yaml", "--json")
    assert answer.returncode == 0, answer.stderr
    (run,) = (trained / "runs" / "smoke").glob("2*")
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert {"config.json", "plan.json", "constraints.txt", "preflight/receipt.json", "preflight/facts.json"} <= names
    assert any(name.endswith(".ckpt") for name in names)
    assert any("tfevents" in name for name in names)
    assert any(name.endswith(".csv_bi") for name in names)
    assert any(name.endswith(".png") for name in names)


def test_a_second_build_finds_everything_up_to_date(built: Path) -> None:
    answer = bgb("build-cache", built / "run.yaml", "--json")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["built"] == 0


def test_the_original_spellings_work(built: Path) -> None:
    paths = ("--data-dir", built / "corpus", "--cache-dir", built / "cache")
    closed = bgb("build-cache", *paths)
    assert closed.returncode == 1
    assert "bgb preflight --for cache --data-dir" in one_message(closed)
    scanned = bgb("scan-cache", "--cache-dir", built / "cache")
    assert scanned.returncode == 0, scanned.stdout


def test_a_receipt_can_be_shown_and_judged_again(trained: Path) -> None:
    directory = trained / "runs" / "preflight" / "smoke-train"
    assert "manifest_current" in bgb("receipt", "show", directory).stdout
    assert bgb("receipt", "replay", directory).returncode == 0


def test_a_receipt_whose_facts_were_edited_is_not_believed(trained: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(trained / "runs" / "preflight" / "smoke-train", tmp_path / "receipt")
    facts = directory / "facts.json"
    facts.write_text(facts.read_text(encoding="utf-8").replace("2.2.2", "2.8.0"), encoding="utf-8")
    assert bgb("receipt", "replay", directory).returncode == 1


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("", "empty"),
        ("{", "not valid JSON"),
        ('{"_type": "something else"}', "in-toto"),
        ("<html>404</html>", "not valid JSON"),
    ],
)
def test_a_damaged_receipt_closes_the_gate_with_one_message(
    own_world: Path, built: Path, damage: str, message: str
) -> None:
    receipt = own_world / "runs" / "preflight" / "smoke-cache" / "receipt.json"
    receipt.write_text(damage, encoding="utf-8")
    answer = bgb("build-cache", own_world / "run.yaml")
    assert answer.returncode == 1
    assert message in one_message(answer)


def test_a_changed_configuration_closes_the_gate_and_says_what_changed(own_world: Path, trained: Path) -> None:
    config = write_config(own_world, train={"epochs": 2})
    answer = bgb("train", config)
    assert answer.returncode == 1
    message = one_message(answer)
    assert "plan changed since it was checked" in message
    assert f"bgb preflight {config} --for train" in message


def test_a_variable_that_appears_after_the_preflight_closes_the_gate(own_world: Path, built: Path) -> None:
    assert bgb("preflight", own_world / "run.yaml", "--for", "cache").returncode == 0
    answer = bgb("build-cache", own_world / "run.yaml", environ={"OMP_NUM_THREADS": "1"})
    assert answer.returncode == 1
    assert "OMP_NUM_THREADS" in one_message(answer)


def test_a_manifest_that_was_lost_is_rebuilt_and_the_gate_stays_open(own_world: Path, trained: Path) -> None:
    config = own_world / "run.yaml"
    assert bgb("preflight", config, "--for", "train").returncode == 0
    (own_world / "cache" / "train" / "manifest.json").write_text("", encoding="utf-8")
    answer = bgb("train", config)
    assert answer.returncode == 0, answer.stderr
    assert "[CACHE] rebuilt" in answer.stderr


def test_labels_that_hold_no_seizure_never_open_the_gate(world: Path, tmp_path: Path) -> None:
    shutil.copytree(world / "corpus", tmp_path / "corpus")
    for labels in (tmp_path / "corpus").rglob("*.csv_bi"):
        labels.write_text(labels.read_text(encoding="utf-8").replace(",seiz,", ",bckg,"), encoding="utf-8")
    answer = bgb("preflight", write_config(tmp_path), "--for", "cache", "--json")
    assert answer.returncode == 1
    verdicts = {check["name"]: check["verdict"] for check in json.loads(answer.stdout)["checks"]}
    assert verdicts["seizures_present"] == "fail"


def test_checks_left_out_never_open_the_gate(built: Path, tmp_path: Path) -> None:
    answer = bgb("preflight", built / "run.yaml", "--for", "cache", "--skip", "patients_disjoint")
    assert answer.returncode == 3
    assert "never opens a gate" in answer.stdout


def test_a_quick_look_does_not_take_back_a_receipt_that_a_longer_one_gave(own_world: Path, built: Path) -> None:
    config, receipt = own_world / "run.yaml", own_world / "runs" / "preflight" / "smoke-cache" / "receipt.json"
    assert bgb("preflight", config, "--for", "cache", "--tier", "quick").returncode == 3
    assert receipt.exists()


def test_a_preflight_that_fails_takes_an_earlier_receipt_back(own_world: Path, built: Path) -> None:
    config, receipt = own_world / "run.yaml", own_world / "runs" / "preflight" / "smoke-cache" / "receipt.json"
    assert receipt.exists()
    leaked = bgb("preflight", config, "--for", "cache", "--tier", "quick", environ={"BGB_LIMIT_FILES": "7"})
    assert leaked.returncode == 1
    assert not receipt.exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("plan", "absent.yaml"), 2, "cannot read the configuration"),
        (("train", "."), 2, "cannot read the configuration"),
        (("explain", "patient_disjoint"), 2, "patients_disjoint"),
        (("preflight", "RUN", "--only", "patient_disjoint"), 2, "patients_disjoint"),
        (("scan-cache", "--cache-dir", "absent"), 2, "absent"),
        (("receipt", "show", "absent"), 2, "no receipt"),
        (("parity", "absent.json", "absent.json"), 2, "absent.json"),
        (("evaluate", "RUN", "--checkpoint", "absent.ckpt"), 2, "absent.ckpt"),
    ],
)
def test_bad_input_gets_one_message(world: Path, words: tuple[str, ...], code: int, message: str) -> None:
    answer = bgb(*(str(world / "run.yaml") if word == "RUN" else word for word in words), cwd=world)
    assert answer.returncode == code, answer.stderr
    assert message in one_message(answer)


@pytest.mark.parametrize("words", [("plan", "absent.yaml", "--json"), ("preflight", "absent.yaml", "--json")])
def test_json_is_json_even_when_the_tool_fails(words: tuple[str, ...], tmp_path: Path) -> None:
    answer = bgb(*words, cwd=tmp_path)
    assert answer.returncode == 2
    assert "cannot read the configuration" in json.dumps(json.loads(answer.stdout))


def test_a_corpus_that_is_not_there_is_a_finding_not_a_crash(tmp_path: Path) -> None:
    answer = bgb("preflight", write_config(tmp_path), "--for", "cache")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "corpus_readable" in answer.stdout


def test_an_interrupted_build_leaves_whole_files_and_goes_on_later(own_world: Path, built: Path) -> None:
    shutil.rmtree(own_world / "cache")
    config = own_world / "run.yaml"
    assert bgb("preflight", config, "--for", "cache").returncode == 0
    process = subprocess.Popen(
        [*BGB, "build-cache", str(config), "--workers", "1"],
        stderr=subprocess.PIPE,
        env=clean_environment(),
        start_new_session=True,
    )
    while not list((own_world / "cache").rglob("*.npz")) and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stderr
    answer = bgb("build-cache", config)
    assert answer.returncode == 0, answer.stderr
    assert bgb("scan-cache", config, "--verify").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("plan",),
        ("preflight",),
        ("build-cache",),
        ("scan-cache",),
        ("train",),
        ("evaluate",),
        ("checks",),
        ("explain",),
        ("parity",),
        ("receipt", "show"),
        ("receipt", "replay"),
        ("demo", "corpus"),
    ],
)
def test_every_command_has_a_help_with_an_example(words: tuple[str, ...]) -> None:
    answer = bgb(*words, "--help")
    assert answer.returncode == 0
    assert not words or "Example" in answer.stdout
