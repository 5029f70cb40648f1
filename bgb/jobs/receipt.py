"""Showing a receipt, and judging its facts again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bgb.preflight.run import POLICY
from bgb.preflight.suites import CHECKS, VOCABULARY, stored_suite
from envcheck.core import encode
from envcheck.errors import ExitCode
from envcheck.policy import load_policy
from envcheck.receipt import Difference, Receipt, read_receipt, replay, to_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Whether judging the stored facts again says what the receipt says."""

    receipt: Receipt
    differences: Sequence[Difference]

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.CLOSED if self.differences else ExitCode.OPEN

    def render(self, *, as_json: bool) -> str:
        if as_json:
            differing = [encode(difference) for difference in self.differences]
            return json.dumps({"schema_version": 1, "agrees": not differing, "differences": differing}, indent=1) + "\n"
        if not self.differences:
            return f"{len(self.receipt.checks)} checks judged again: every verdict agrees\n"
        return "".join(f"{difference.sentence}; {difference.remedy}\n" for difference in self.differences)


def replay_receipt(directory: Path) -> Replay:
    """Judge the facts beside a receipt again, by the policy kept with it."""
    receipt = read_receipt(directory)
    policy = load_policy(directory / POLICY, VOCABULARY, suite=receipt.suite)
    return Replay(receipt=receipt, differences=replay(directory, stored_suite(receipt.suite), CHECKS, policy))


def show_receipt(directory: Path, *, as_json: bool) -> str:
    """A receipt as its in-toto statement, or for people."""
    receipt = read_receipt(directory)
    if as_json:
        return json.dumps(to_statement(receipt), indent=1) + "\n"
    width = max(len(check.name) for check in receipt.checks)
    lines = [
        f"{receipt.verification_result}  suite {receipt.suite}, tier {receipt.tier}, policy {receipt.policy.name}, "
        f"{receipt.time_verified}",
        "",
        *(f"  {name:<12} {digest[:16]}" for name, digest in receipt.subjects.items()),
        "",
        *(
            f"  {check.standing:<8} {check.name:<{width}}  {check.summary}"
            + (f" (until {check.expires})" if check.expires else "")
            for check in receipt.checks
        ),
    ]
    return "\n".join([*lines, ""])
