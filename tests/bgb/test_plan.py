from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgb.config import RunConfig, parse_config
from bgb.data.recording import Interval
from bgb.data.roster import Member, chosen_keys
from bgb.plan import RunPlan, resolve_plan
from bgb.plan_view import show_plan
from bgb.splits import Split
from envcheck.core import Expectations, decode, encode
from tests.bgb.test_config import minimal

RATE = 256


def member(number: int, *, seconds: float = 120, seizures: tuple[tuple[float, float], ...] = ()) -> Member:
    return Member(
        key=f"train/p{number:03}/s001/01_tcp_ar/p{number:03}_s001_t000",
        patient=f"p{number:03}",
        samples=int(seconds * RATE),
        seizures=tuple(Interval(start_seconds=start, stop_seconds=stop) for start, stop in seizures),
    )


def config_with(**changes: Mapping[str, Any]) -> RunConfig:
    content = minimal()
    for section, values in changes.items():
        content[section] = {**content.get(section, {}), **values}
    return parse_config(content, Path("/runs/run.yaml"))


ROSTER: dict[Split, tuple[Member, ...]] = {
    "train": (member(1, seizures=((30.0, 50.0),)), member(2), member(3, seconds=200, seizures=((10.0, 190.0),))),
    "dev": (member(4, seizures=((0.0, 5.0),)),),
}


def resolve(config: RunConfig, roster: Mapping[Split, tuple[Member, ...]] = ROSTER) -> RunPlan:
    return resolve_plan(config, "train", roster, {"dev": 1})


def test_recordings_patients_and_windows_are_counted_for_each_split() -> None:
    plan = resolve(config_with())
    train, dev = plan.splits["train"], plan.splits["dev"]
    assert (train.recordings, train.patients, train.recordings_with_seizures, train.refused) == (3, 3, 2, 0)
    assert (dev.recordings, dev.refused) == (1, 1)
    assert train.windows == 7 + 7 + 15  # (120 - 60) / 10 + 1, twice, and (200 - 60) / 10 + 1
    assert train.hours == pytest.approx(440 / 3600, abs=1e-6)
    assert train.seizure_hours == pytest.approx(200 / 3600, abs=1e-6)


def test_steps_follow_from_balanced_windows_batch_size_and_epochs() -> None:
    plan = resolve(config_with(train={"epochs": 3, "batch_size": 4, "seconds_per_step": 2.0}))
    assert plan.windows_per_epoch <= plan.splits["train"].windows
    assert plan.steps_per_epoch == -(-plan.windows_per_epoch // 4)
    assert plan.steps == 3 * plan.steps_per_epoch
    assert plan.hours == pytest.approx(plan.steps * 2 / 3600)


def test_cost_is_unknown_without_a_measured_step_or_a_price() -> None:
    assert resolve(config_with(budget={"usd_per_hour": 2.5})).usd is None
    timed = {"seconds_per_step": 2.0}
    assert resolve(config_with(train=timed)).usd is None
    plan = resolve(config_with(train=timed, budget={"usd_per_hour": 2.5}))
    assert plan.usd == pytest.approx((plan.hours or 0) * 2.5)


def test_the_digest_does_not_depend_on_where_things_lie() -> None:
    moved = config_with(paths={"corpus": "/mnt/other", "cache": "/mnt/cache", "runs": "/mnt/runs"})
    assert resolve(moved).digest() == resolve(config_with()).digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"train": {"precision": "bf16"}},
        {"train": {"learning_rate": 0.5}},
        {"data": {"limit_files": 50}},
        {"signal": {"notch_hz": 50.0}},
        {"model": {"mamba": {"kernel": "conv1d"}}},
        {"environment": {"allow": {"BGB_LIMIT_FILES": "50"}}},
    ],
)
def test_the_digest_changes_with_anything_that_changes_the_run(changes: dict[str, Any]) -> None:
    content = minimal()
    for section, values in changes.items():
        content[section] = {**content.get(section, {}), **values} if isinstance(values, dict) else values
    changed = parse_config(content, Path("/runs/run.yaml"))
    assert resolve(changed).digest() != resolve(config_with()).digest()


def test_the_digest_changes_with_one_recording_or_one_seizure() -> None:
    plan = resolve(config_with())
    fewer: dict[Split, tuple[Member, ...]] = {**ROSTER, "train": ROSTER["train"][:2]}
    moved: dict[Split, tuple[Member, ...]] = {**ROSTER, "dev": (member(4, seizures=((0.0, 6.0),)),)}
    assert len({plan.digest(), resolve(config_with(), fewer).digest(), resolve(config_with(), moved).digest()}) == 3


def test_a_plan_travels_as_json() -> None:
    plan = resolve(config_with())
    assert decode(RunPlan, json.loads(json.dumps(encode(plan)))) == plan
    assert Expectations.of(plan)[RunPlan] == plan


def test_a_plan_without_recordings_has_no_steps() -> None:
    plan = resolve_plan(config_with(), "train", {}, {})
    assert (plan.steps, plan.cache_bytes, plan.splits) == (0, 0, {})


def test_a_plan_is_shown_with_its_numbers_and_as_json() -> None:
    plan = resolve(config_with(train={"seconds_per_step": 2.0}))
    text = show_plan(plan, as_json=False)
    assert plan.digest()[:12] in text
    assert "balanced windows an epoch" in text
    assert json.loads(show_plan(plan, as_json=True))["digest"] == plan.digest()


@settings(max_examples=50)
@given(st.sets(st.text(min_size=1, max_size=8), max_size=30), st.integers(1, 40), st.randoms())
def test_a_limit_keeps_the_same_recordings_in_any_order(keys: set[str], limit: int, random: Any) -> None:
    shuffled = list(keys)
    random.shuffle(shuffled)
    chosen = chosen_keys(shuffled, limit)
    assert chosen == chosen_keys(keys, limit)
    assert len(chosen) == min(limit, len(keys))
    assert chosen <= chosen_keys(keys, limit + 1) <= chosen_keys(keys, None) == keys


def test_a_plan_says_how_probabilities_become_events() -> None:
    plan = resolve(config_with(evaluate={"opening_samples": 3}))
    assert "opening 3, closing 31 samples; at least 3 s" in plan.events
    assert plan.events in show_plan(plan, as_json=False).replace("\n" + " " * 17, " ")
    assert plan.digest() != resolve(config_with()).digest()
