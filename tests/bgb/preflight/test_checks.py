from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgb.preflight.checks import CHECKS
from bgb.preflight.facts.manifests import SplitManifest
from bgb.preflight.facts.step_speed import StepSpeed
from envcheck.core import Context, Finding, NotSeen, Verdict
from envcheck.facts.kernel_load import KernelLoad, Rung
from tests.bgb.preflight.world import (
    DEV,
    EXPECT,
    TRAIN,
    context,
    corpus,
    environment,
    manifest,
    manifests,
    origins,
    stability,
)
from tests.envcheck.sightings import KERNEL_LOAD


def judge(name: str, seen: Context) -> Finding:
    finding = CHECKS[name](seen)
    if finding.verdict is not Verdict.PASS:
        assert finding.remedy, "every finding that is not a pass says what to do"
    return finding


@pytest.mark.parametrize(
    "name", [name for name in CHECKS if name not in {"corpus_readable", "cache_space", "budget", "step_speed"}]
)
def test_a_sound_run_passes(name: str) -> None:
    assert judge(name, context(manifests(), environment(), stability())).verdict is Verdict.PASS


def test_a_patient_in_train_and_dev_closes_the_gate_by_name() -> None:
    finding = judge("patients_disjoint", context(manifests(manifest("train", TRAIN), manifest("dev", TRAIN[:1]))))
    assert finding.verdict is Verdict.FAIL
    assert "p001" in finding.evidence[0].found


def test_a_split_by_file_closes_the_gate_and_says_why() -> None:
    twice = tuple(member for number in range(4) for member in TRAIN)
    files = tuple(
        type(member)(key=f"{member.key}_{n}", patient=member.patient, samples=member.samples, seizures=member.seizures)
        for n, member in enumerate(twice)
    )
    split = {"split": {"policy": "holdout_by_file"}}
    finding = judge("patients_disjoint", context(manifests(manifest("train", files)), data=split))
    assert finding.verdict is Verdict.FAIL
    assert "holdout_by_file" in finding.summary


def test_a_holdout_by_patient_keeps_patients_apart() -> None:
    finding = judge(
        "patients_disjoint", context(manifests(manifest("train", TRAIN + DEV)), data={"split": {"policy": "holdout"}})
    )
    assert finding.verdict is Verdict.PASS


def test_without_patients_nothing_was_compared() -> None:
    seen = context(manifests(manifest("train", TRAIN), manifest("dev", ())))
    assert judge("patients_disjoint", seen).verdict is Verdict.UNKNOWN


def test_fewer_recordings_than_expected_fail_with_both_numbers_and_the_limit_that_explains_them() -> None:
    finding = judge("run_contract", context(manifests(), data={"limit_files": 1}))
    assert finding.verdict is Verdict.FAIL
    assert "train: recordings 1, expected 3" in finding.summary
    assert any(item.subject == "data.limit_files" and item.found == "1" for item in finding.evidence)


@pytest.mark.parametrize(
    ("expect", "verdict"),
    [
        ({"hours": {"train": 0.1}}, Verdict.PASS),
        ({"hours": {"train": 0.2}}, Verdict.FAIL),
        ({"hours": {"train": 0.11}, "tolerance": 0.2}, Verdict.PASS),
        ({"windows": {"dev": {"no_seizure": 10, "partial_seizure": 4, "full_seizure": 0}}}, Verdict.PASS),
        ({"windows": {"dev": {"partial_seizure": 50}}}, Verdict.FAIL),
    ],
)
def test_hours_and_windows_are_held_to_what_was_stated(expect: dict[str, object], verdict: Verdict) -> None:
    assert judge("run_contract", context(manifests(), expect={**EXPECT, **expect})).verdict is verdict


def test_refused_recordings_explain_what_is_missing() -> None:
    finding = judge("run_contract", context(corpus(refused={0: "unit: uV expected"}), expect={"files": {"train": 3}}))
    assert finding.verdict is Verdict.FAIL
    assert any(item.found == "1 in train" for item in finding.evidence)


def test_a_split_that_is_expected_and_absent_counts_as_none() -> None:
    finding = judge("run_contract", context(corpus(), expect={"files": {"eval": 865}}))
    assert finding.verdict is Verdict.FAIL
    assert "eval: recordings 0, expected 865" in finding.summary


def test_a_run_that_expects_nothing_was_not_checked() -> None:
    assert judge("run_contract", context(manifests(), expect={})).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("split", ["train", "dev"])
def test_a_split_without_a_seizure_window_never_trains(split: str) -> None:
    members = {"train": TRAIN, "dev": DEV, split: (TRAIN[1],)}
    seen = context(manifests(manifest("train", members["train"]), manifest("dev", members["dev"])))
    finding = judge("seizures_present", seen)
    assert finding.verdict is Verdict.FAIL
    assert split in finding.summary


def test_a_corpus_with_a_refused_recording_names_it_and_its_field() -> None:
    finding = judge("corpus_readable", context(corpus(refused={1: "unit: expected uV"})))
    assert finding.verdict is Verdict.FAIL
    assert finding.evidence[0].found == "unit: expected uV"


def test_a_refused_recording_is_accepted_where_the_configuration_says_so() -> None:
    seen = context(corpus(refused={1: "unit: expected uV"}), data={"max_refused_share": 0.5})
    finding = judge("corpus_readable", seen)
    assert finding.verdict is Verdict.PASS
    assert len(finding.evidence) == 1


def test_a_corpus_that_is_not_there_fails_with_the_reason() -> None:
    finding = judge("corpus_readable", context(corpus(error="/data: no such folder")))
    assert (finding.verdict, finding.summary) == (Verdict.FAIL, "/data: no such folder")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (manifest("train", TRAIN, error="no manifest"), "no manifest"),
        (manifest("train", TRAIN, settings_digest="f" * 64), "settings"),
        (manifest("train", TRAIN, code_version=0), "code version"),
        (manifest("train", TRAIN, limit_files=50), "limit"),
        (manifest("train", TRAIN, problems=("train/x: bytes: changed",)), "train/x: bytes: changed"),
    ],
)
def test_a_stale_manifest_fails_with_the_field_that_differs(changed: SplitManifest, named: str) -> None:
    finding = judge("manifest_current", context(manifests(changed, manifest("dev", DEV))))
    assert finding.verdict is Verdict.FAIL
    assert named in finding.summary


def test_a_manifest_made_under_the_limit_of_this_run_is_its_own() -> None:
    limited = (manifest("train", TRAIN, limit_files=50), manifest("dev", DEV, limit_files=50))
    assert judge("manifest_current", context(manifests(*limited), data={"limit_files": 50})).verdict is Verdict.PASS


def test_a_manifest_that_cannot_be_held_against_the_corpus_is_unknown() -> None:
    finding = judge("manifest_current", context(manifests(corpus_error="/data: no such folder")))
    assert finding.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("budget", "verdict"),
    [
        ({}, Verdict.UNKNOWN),
        ({"max_hours": 1.0}, Verdict.PASS),
        ({"max_hours": 0.0001}, Verdict.FAIL),
        ({"max_usd": 10.0}, Verdict.UNKNOWN),
        ({"max_usd": 10.0, "usd_per_hour": 2.5}, Verdict.PASS),
        ({"max_usd": 0.001, "usd_per_hour": 2.5, "max_hours": 1.0}, Verdict.FAIL),
    ],
)
def test_a_budget_needs_a_price_and_a_measured_step(budget: dict[str, float], verdict: Verdict) -> None:
    seen = context(manifests(), budget=budget, train={"seconds_per_step": 2.0})
    assert judge("budget", seen).verdict is verdict


def test_hours_cannot_be_promised_without_a_measured_step() -> None:
    assert judge("budget", context(manifests(), budget={"max_hours": 1.0})).verdict is Verdict.UNKNOWN


def test_a_shape_that_the_kernels_do_not_take_fails_with_its_numbers() -> None:
    model = {"mamba": {"kernel": "cuda", "d_model": 192, "headdim": 64, "d_state": 128}}
    finding = judge("model_shapes", context(manifests(), model=model))
    assert finding.verdict is Verdict.FAIL
    assert "1030" in finding.summary


STEP = StepSpeed(device="NVIDIA A100-SXM4-80GB", precision="bf16", batch_size=128, seconds=0.5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": 4.0}, "a step: 4 s on NVIDIA A100-SXM4-80GB, expected the 2 s of train.seconds_per_step"),
        ({"seconds": 2.9}, "expected at most 0.0001 hours"),
        ({"other_precision": "fp32", "other_seconds": 0.4}, "expected at most 0.0001 hours"),
    ],
)
def test_a_step_that_is_slower_than_planned_or_paid_for_fails(changes: dict[str, Any], said: str) -> None:
    budget = {"max_hours": 1e-4}
    seen = context(manifests(), replace(STEP, **changes), budget=budget, train={"seconds_per_step": 2.0})
    finding = judge("step_speed", seen)
    assert finding.verdict is Verdict.FAIL
    assert said in finding.summary


def test_mixed_precision_that_is_slower_than_float32_fails() -> None:
    slower = replace(STEP, other_precision="fp32", other_seconds=0.4)
    finding = judge("step_speed", context(manifests(), slower))
    assert finding.summary == "a step in bf16: 0.5 s, fp32 takes 0.4 s, expected no longer than in fp32"


def test_a_step_that_was_not_taken_is_unknown_and_one_that_does_not_fit_fails() -> None:
    absent = replace(STEP, device=None, seconds=None, problem="torch sees no CUDA device")
    assert judge("step_speed", context(manifests(), absent)).verdict is Verdict.UNKNOWN
    full = replace(STEP, seconds=None, problem="OutOfMemoryError: CUDA out of memory. Tried to allocate 20 GiB")
    finding = judge("step_speed", context(manifests(), full))
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "lower train.batch_size in the configuration")


def test_a_measured_step_feeds_the_budget_where_none_is_stated() -> None:
    limits = {"max_hours": 1.0, "max_usd": 2.0, "usd_per_hour": 2.5}
    assert judge("budget", context(manifests(), budget=limits)).verdict is Verdict.UNKNOWN
    assert judge("budget", context(manifests(), STEP, budget=limits)).verdict is Verdict.PASS
    finding = judge("budget", context(manifests(), replace(STEP, seconds=1e5), budget=limits))
    assert finding.verdict is Verdict.FAIL


CUDA = {"model": {"mamba": {"kernel": "cuda"}}, "train": {"device": "cuda"}}


def test_compiled_kernels_on_the_cpu_fail() -> None:
    finding = judge("mamba_kernel", context(manifests(), model={"mamba": {"kernel": "cuda"}}))
    assert finding.verdict is Verdict.FAIL
    assert finding.summary == "compiled kernels run on a GPU alone, and train.device is cpu"


def test_compiled_kernels_that_nothing_loaded_do_not_open_the_gate() -> None:
    with pytest.raises(NotSeen, match="kernel_load was not observed"):
        judge("mamba_kernel", context(manifests(), **CUDA))


def test_compiled_kernels_open_it_when_every_rung_loads_and_close_it_at_a_broken_one() -> None:
    assert judge("mamba_kernel", context(manifests(), KERNEL_LOAD, **CUDA)).verdict is Verdict.PASS
    broken = Rung(name="causal_conv1d", tried=True, error="ImportError: x")
    load = KernelLoad(rungs=(*KERNEL_LOAD.rungs[:5], broken, *KERNEL_LOAD.rungs[6:]))
    finding = judge("mamba_kernel", context(manifests(), load, **CUDA))
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "bgb test-mamba")


def test_the_stand_in_is_said_plainly() -> None:
    assert "conv1d" in judge("mamba_kernel", context(manifests(), model={"mamba": {"kernel": "conv1d"}})).summary


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"BGB_LIMIT_FILES": "50"}, "environment.allow of tiny does not name it"),
        ({"BGB_LIMIT_FILES": ""}, "BGB_LIMIT_FILES is empty; expected a positive integer"),
        ({"bgb_limit_files": "50"}, "the nearest is BGB_LIMIT_FILES"),
        ({"BGB_SMOKETEST": "1"}, "not a variable of this project"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "it changes the device"),
        ({"SEIZURE_MAMBA_FORCE_FALLBACK": "1"}, "environment.allow of tiny does not name it"),
    ],
)
def test_a_variable_that_nobody_allowed_fails_with_its_value_and_origin(variables: dict[str, str], named: str) -> None:
    finding = judge("environment", context(manifests(), environment(**variables), origins(*variables)))
    assert finding.verdict is Verdict.FAIL
    assert "inherited from the shell (process 4711 `bash`)" in finding.summary
    assert named in finding.evidence[0].expected
    assert finding.remedy == f"unset {next(iter(variables))}"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"environment": {"allow": {"BGB_LIMIT_FILES": "50"}}, "data": {"limit_files": 50}}, Verdict.PASS),
        ({"environment": {"allow": {"BGB_LIMIT_FILES": "50"}}}, Verdict.FAIL),
        ({"environment": {"allow": {"BGB_LIMIT_FILES": "50"}}, "data": {"limit_files": 10}}, Verdict.FAIL),
        ({"environment": {"allow": {"BGB_LIMIT_FILES": "10"}}, "data": {"limit_files": 50}}, Verdict.FAIL),
    ],
)
def test_a_limit_counts_only_where_the_configuration_allows_it_and_agrees(
    changes: dict[str, dict[str, object]], verdict: Verdict
) -> None:
    seen = context(manifests(), environment(BGB_LIMIT_FILES="50"), origins("BGB_LIMIT_FILES"), **changes)
    assert judge("environment", seen).verdict is verdict


def test_an_action_needs_no_permission() -> None:
    seen = context(manifests(), environment(BGB_FORCE_MANIFEST_REBUILD="1"), origins())
    assert judge("environment", seen).verdict is Verdict.PASS


def test_the_stand_in_may_be_forced_only_where_the_configuration_names_it() -> None:
    name, allow = "SEIZURE_MAMBA_FORCE_FALLBACK", {"allow": {"SEIZURE_MAMBA_FORCE_FALLBACK": "1"}}
    facts = (manifests(), environment(**{name: "1"}), origins(name))
    assert judge("environment", context(*facts, environment=allow)).verdict is Verdict.FAIL
    named = context(*facts, environment=allow, model={"mamba": {"kernel": "conv1d"}})
    assert judge("environment", named).verdict is Verdict.PASS


def test_a_plan_that_surroundings_change_fails_with_what_changes_it() -> None:
    seen = context(manifests(), stability(poisoned="f" * 64, culprits=("TZ",)))
    finding = judge("plan_stable", seen)
    assert (finding.verdict, finding.remedy) == (Verdict.FAIL, "unset TZ")


def test_a_plan_that_a_clean_process_cannot_resolve_is_unknown() -> None:
    seen = context(manifests(), stability(clean="no plan: ModuleNotFoundError"))
    assert judge("plan_stable", seen).verdict is Verdict.UNKNOWN
