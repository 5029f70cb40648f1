"""One preflight: observe, resolve the plan, judge, decide, and write the receipt when the gate is open."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from bgb.config import RunConfig
from bgb.errors import DataError
from bgb.plan import RunPlan, resolve_plan
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.corpus_index import CorpusIndex
from bgb.preflight.facts.manifests import Manifests
from bgb.preflight.kernels import target_of
from bgb.preflight.places import receipt_directory
from bgb.preflight.roster import roster_of
from bgb.preflight.subjects import subjects_of
from bgb.preflight.suites import CHECKS, VOCABULARY, data_request, suite_for, suite_name
from envcheck.collect import collect
from envcheck.core import Context, Decision, Expectations, Facts, NotSeen, Report, Standing
from envcheck.errors import ExitCode
from envcheck.expectations import ExpectedPython, LockedPackages
from envcheck.gate import decide, exit_code
from envcheck.judge import Selection, judge, select
from envcheck.lockfile import Target, read_lock
from envcheck.policy import Policy, load_policy
from envcheck.receipt import make_receipt, revoke_receipt, write_receipt
from envcheck.remember import Memory, collect_remembering
from envcheck.render import RENDERERS, render_for

Say = Callable[[str], None]
REPORTS: Mapping[str, str] = {"txt": "terminal", "json": "json", "md": "markdown", "html": "html"}
POLICY = "policy.toml"
"""The policy as it was, beside the receipt, so that the facts can be judged again by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a preflight found. `receipt` is its directory, None where the gate stays closed."""

    title: str
    report: Report
    decision: Decision
    receipt: Path | None

    @property
    def exit_code(self) -> ExitCode:
        return exit_code(self.decision)

    def render(self, stream: TextIO, output: str) -> str:
        """The report as `stream` can show it."""
        return render_for(stream, output, self.report, self.decision, title=self.title)


def preflight(config: RunConfig, purpose: str, selection: Selection, say: Say) -> Outcome:
    """Judge whether `config` may start for `purpose`; an open decision leaves a receipt, a closed one revokes it."""
    policy = load_policy(config.preflight.policy, VOCABULARY, suite=suite_name(config, purpose))
    suite = suite_for(config, purpose, salt=secrets.token_hex(16), gpu=target_of(policy))
    select(suite, selection)
    lock = locked_packages(config, policy)
    memory = Memory(config.paths.runs / "preflight" / "seen")
    facts = collect_remembering(suite.requests_at(selection.tier), memory, progress=say)
    expect = expectations(config, purpose, facts, policy, lock)
    context = Context(facts=facts, expect=expect)
    report = replace(judge(suite, CHECKS, context, selection), seen_earlier=tuple(memory.recalled))
    decision = decide(report, policy, today=datetime.now(UTC).date())
    directory, title = receipt_directory(config, purpose), f"bgb preflight of {config.name} for {purpose}"
    if report.partial:
        return Outcome(title=title, report=report, decision=decision, receipt=None)
    if not decision.open:
        if _found_wrong(decision, policy) and revoke_receipt(directory):
            say(f"the earlier receipt in {directory} no longer counts")
        return Outcome(title=title, report=report, decision=decision, receipt=None)
    receipt = make_receipt(report, decision, policy, subjects_of(config, policy, context), facts)
    texts = {f"report.{suffix}": RENDERERS[name](report, decision) for suffix, name in REPORTS.items()}
    texts[POLICY] = config.preflight.policy.read_text(encoding="utf-8")
    write_receipt(directory, receipt, context, texts=texts)
    say(f"receipt: {directory}")
    return Outcome(title=title, report=report, decision=decision, receipt=directory)


def _found_wrong(decision: Decision, policy: Policy) -> bool:
    """Whether something required did not pass; a tier that left it out says nothing against an earlier receipt."""
    return any(decision.standings[name] in {Standing.FAILED, Standing.UNKNOWN} for name in policy.required)


def expectations(config: RunConfig, purpose: str, facts: Facts, policy: Policy, lock: LockedPackages) -> Expectations:
    """All that is stated: by the policy, the lock, the configuration and, where the data was seen, the plan."""
    contract = RunContract.from_config(config, purpose)
    expect = policy.expect.with_records(contract, lock)
    try:
        return expect.with_records(plan_of(config, purpose, facts))
    except NotSeen:
        # The checks that need a plan then say themselves that they could not look.
        return expect


def plan_of(config: RunConfig, purpose: str, facts: Facts) -> RunPlan:
    """The plan for the recordings that the facts hold; `NotSeen` where the data was not observed."""
    roster = roster_of(facts, RunContract.from_config(config, purpose))
    return resolve_plan(config, purpose, roster.members, roster.refused)


def resolve(config: RunConfig, purpose: str, say: Say) -> RunPlan:
    """The plan from a look at the data alone; `DataError` where there is none to see."""
    facts = collect([data_request(config, purpose)], progress=say)
    error = data_error(facts, purpose)
    if error is not None:
        raise DataError(error)
    return plan_of(config, purpose, facts)


def data_error(facts: Facts, purpose: str) -> str | None:
    """Why the recordings of a run are not known, with the command that mends it."""
    try:
        if purpose == "cache":
            return facts[CorpusIndex].error
        errors = [manifest.error for manifest in facts[Manifests].splits if manifest.error is not None]
    except NotSeen as missing:
        return f"the data could not be looked at: {missing}"
    return f"{errors[0]}; build the cache first: bgb build-cache CONFIG" if errors else None


def locked_packages(config: RunConfig, policy: Policy) -> LockedPackages:
    """The pins that apply to this run: the lock for the policy's Python, with the extras that the kernel needs."""
    extras = ("gpu",) if config.model.mamba.kernel == "cuda" else ()
    return read_lock(config.preflight.lockfile).select(
        Target(python_version=policy.expect[ExpectedPython].version), extras=extras
    )
