"""The gate in front of `train` and `build-cache`: no fresh, matching receipt, no start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bgb.config import RunConfig
from bgb.errors import GateClosed
from bgb.plan import RunPlan
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.run_environment import RunEnvironment
from bgb.preflight.places import receipt_directory
from bgb.preflight.roster import Roster, roster_of
from bgb.preflight.run import data_error, expectations, locked_packages
from bgb.preflight.subjects import subjects_of
from bgb.preflight.suites import VOCABULARY, subject_requests, suite_name
from envcheck.collect import collect
from envcheck.core import Context, Facts, NotSeen
from envcheck.errors import FileUnusable, ReceiptError
from envcheck.parity import changes
from envcheck.policy import load_policy
from envcheck.receipt import FACTS, Difference, differences, read_receipt
from envcheck.storage import read_json

SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGate:
    """What the gate let through: the plan, who takes part, and where the receipt lies."""

    plan: RunPlan
    roster: Roster
    receipt: Path


def pass_gate(config: RunConfig, purpose: str, command: str) -> OpenGate:
    """The plan that a fresh receipt vouches for; `GateClosed` says what changed since and `command` mends it."""
    directory = receipt_directory(config, purpose)
    try:
        receipt = read_receipt(directory)
        stored = Facts.from_json(read_json(directory / FACTS))
        salt = stored[RunEnvironment].salt
    except (ReceiptError, FileUnusable, NotSeen) as error:
        raise GateClosed(f"the gate is closed: {error}\n  {command}") from error
    facts = collect(subject_requests(config, purpose, salt=salt))
    if (missing := data_error(facts, purpose)) is not None:
        raise GateClosed(f"the gate is closed: {missing}\n  {command}")
    policy = load_policy(config.preflight.policy, VOCABULARY, suite=suite_name(config, purpose))
    lock = locked_packages(config, policy)
    context = Context(facts=facts, expect=expectations(config, purpose, facts, policy, lock))
    now = subjects_of(config, policy, context)
    found = differences(receipt, now, datetime.now(UTC))
    if found:
        raise GateClosed(_explain(found, stored, facts, command))
    roster = roster_of(facts, RunContract.from_config(config, purpose))
    return OpenGate(plan=context.expect[RunPlan], roster=roster, receipt=directory)


def _explain(found: tuple[Difference, ...], stored: Facts, facts: Facts, command: str) -> str:
    lines = ["the gate is closed: the receipt does not vouch for what is here now"]
    lines += [f"  {difference.sentence}" for difference in found]
    rows = changes(stored, facts)
    lines += [f"    {row}" for row in rows[:SHOWN]]
    lines += [f"    and {len(rows) - SHOWN} more fields"] * (len(rows) > SHOWN)
    return "\n".join([*lines, f"  {command}"])
