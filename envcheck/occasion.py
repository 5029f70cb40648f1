"""From a command line's words to facts, expectations and a decision: names become facts, files become values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from envcheck.checks import CHECKS
from envcheck.collect import collect
from envcheck.core import (
    Check,
    Context,
    Decision,
    Expectations,
    Fact,
    Facts,
    Json,
    NotSeen,
    Report,
    Request,
    SchemaMismatch,
    Suite,
    Tier,
)
from envcheck.errors import FileUnusable, SelectionError, nearest
from envcheck.expectations import EXPECTATIONS, ExpectedPackages, LockedPackages
from envcheck.facts.python_build import PythonBuild
from envcheck.gate import decide
from envcheck.judge import Selection, judge, select
from envcheck.lockfile import Target, read_lock
from envcheck.observe import find_fact
from envcheck.parity import Parity, compare, fingerprint
from envcheck.policy import Policy, Vocabulary, load_policy
from envcheck.receipt import make_receipt, revoke_receipt, write_receipt
from envcheck.render import RENDERERS
from envcheck.storage import read_json
from envcheck.suites import FACTS, SUITES

VOCABULARY = Vocabulary(checks=CHECKS, suites=SUITES, expectations=EXPECTATIONS)
REPORTS: Mapping[str, str] = {"report.json": "json", "report.md": "markdown", "report.html": "html"}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The files a judgement starts from; facts are observed here when no file holds them."""

    facts: Path | None = None
    policy: Path | None = None
    lock: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A judgement with everything that it came from."""

    context: Context
    policy: Policy
    report: Report
    decision: Decision


def judge_here(suite_name: str, sources: Sources, selection: Selection, say: Say) -> Outcome:
    """Judge a suite under a policy; without a policy, every check that runs is required."""
    suite = find_suite(suite_name)
    names = select(suite, selection)
    policy = Policy(name="every check", required=names)
    if sources.policy is not None:
        policy = load_policy(sources.policy, VOCABULARY, suite=suite.name)
    facts = read_facts(sources.facts) if sources.facts else collect(suite.requests_at(selection.tier), progress=say)
    context = Context(facts=facts, expect=_with_lock(policy.expect, sources.lock, facts))
    report = judge(suite, CHECKS, context, selection)
    decision = decide(report, policy, today=datetime.now(UTC).date())
    return Outcome(context=context, policy=policy, report=report, decision=decision)


def settle_receipt(outcome: Outcome, directory: Path, subjects: Mapping[str, Path]) -> str:
    """Keep the receipt of an open decision, or set aside an earlier one; a sentence says which.

    It binds the environment's fingerprint, the lock where there is one, and the files in `subjects`.
    """
    if not outcome.decision.open:
        return f"an earlier receipt in {directory} was revoked" if revoke_receipt(directory) else "no receipt"
    context = outcome.context
    digests = {"environment": fingerprint(context.facts)}
    if LockedPackages.key in context.expect:
        digests["lockfile"] = context.expect[LockedPackages].digest
    digests |= {name: _file_digest(path) for name, path in subjects.items()}
    receipt = make_receipt(outcome.report, outcome.decision, outcome.policy, digests, context.facts)
    texts = {name: RENDERERS[kind](outcome.report, outcome.decision) for name, kind in REPORTS.items()}
    return f"receipt: {write_receipt(directory, receipt, context, texts=texts)}"


def compare_files(paths: Sequence[Path]) -> Parity:
    """The facts in these files, compared under the shortest names that tell the files apart."""
    short = [path.stem for path in paths]
    names = short if len(set(short)) == len(paths) else [str(path) for path in paths]
    return compare(dict(zip(names, map(read_facts, paths), strict=True)))


def requests_for(names: Sequence[str], suite_name: str, tier: Tier, parameters: str) -> tuple[Request, ...]:
    """The facts of these names (a registered key, or MODULE:CLASS), each with the parameters; else all of the suite."""
    suite = find_suite(suite_name)
    if not names and parameters:
        raise SelectionError("--with gives parameters to facts, and no fact is named; add its name")
    if not names:
        return suite.requests_at(tier)
    given = _parse_parameters(parameters)
    known = {request.fact: request.parameters for request in suite.requests}
    facts = [_find_fact(name) for name in names]
    return tuple(Request(fact=fact, parameters=given or known.get(fact, {})) for fact in facts)


def find_suite(name: str) -> Suite:
    """The suite of this name."""
    if name not in SUITES:
        raise SelectionError(f"no suite is called '{name}'; {nearest(name, SUITES)}")
    return SUITES[name]


def find_check(name: str) -> Check:
    """The check of this name."""
    if name not in CHECKS:
        raise SelectionError(f"no check is called '{name}'; {nearest(name, CHECKS)}")
    return CHECKS[name]


def read_facts(path: Path) -> Facts:
    """The facts in a file that `envcheck observe --out` or a receipt wrote."""
    try:
        return Facts.from_json(read_json(path))
    except SchemaMismatch as error:
        raise FileUnusable(f"{path}: expected facts: {error}; make them with: envcheck observe --out {path}") from error


def parse_subjects(stated: Sequence[str]) -> dict[str, Path]:
    """`NAME=FILE` words as a mapping."""
    pairs = [word.partition("=") for word in stated]
    for (name, _, path), word in zip(pairs, stated, strict=True):
        if not name or not path:
            raise SelectionError(f"expected NAME=FILE for a subject, found {word!r}")
    return {name: Path(path) for name, _, path in pairs}


def _find_fact(name: str) -> type[Fact]:
    if name in FACTS:
        return FACTS[name]
    if ":" not in name:
        raise SelectionError(f"no fact is called '{name}'; {nearest(name, FACTS)}")
    try:
        return find_fact(name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise SelectionError(f"no fact is at '{name}' (MODULE:CLASS): {error}") from error


def _parse_parameters(text: str) -> dict[str, Json]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SelectionError(f"""expected the parameters of a fact as {{"name": value}}, found {text!r}""")
    return value


def _with_lock(expect: Expectations, lock: Path | None, facts: Facts) -> Expectations:
    """With the pins that apply to the Python that was seen; a Python that was not seen has no pins to compare."""
    if lock is None:
        return expect
    pins = read_lock(lock)
    try:
        version = facts[PythonBuild].version
    except NotSeen:
        return expect
    extras = expect[ExpectedPackages].extras if ExpectedPackages.key in expect else ()
    return expect.with_records(pins.select(Target(python_version=version), extras=extras))


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileUnusable(f"{path}: the subject cannot be read: {error.strerror}") from error
