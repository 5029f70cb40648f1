"""The command line of envcheck: each command parses, calls one function of the library, renders, and exits."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from envcheck.boundary import run
from envcheck.core import Tier

if TYPE_CHECKING:
    from envcheck.core import Json
    from envcheck.judge import Selection
    from envcheck.occasion import Outcome

app = typer.Typer(
    name="envcheck",
    help="Observe an environment, judge it, and gate a run on the verdict.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # loading the other renderer triples the time of --help
)

FactsFile = Annotated[
    Path | None, typer.Argument(metavar="FACTS", help="Facts that `observe --out` wrote; else observed here.")
]
SuiteName = Annotated[str, typer.Option("--suite", help="The occasion; `envcheck list` names them.")]
TierOption = Annotated[Tier, typer.Option(help="How deep to look; quick imports no torch.")]
Lock = Annotated[Path | None, typer.Option(help="The lockfile that the packages must match.")]
Only = Annotated[list[str] | None, typer.Option(help="Run this check alone; never opens the gate.")]
Skip = Annotated[list[str] | None, typer.Option(help="Leave this check out; never opens the gate.")]
Format = Annotated[
    Literal["terminal", "json", "junit", "markdown", "html"], typer.Option("--format", help="How to print the report.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def observe(
    names: Annotated[list[str] | None, typer.Argument(metavar="FACT", help="Keys, or MODULE:CLASS.")] = None,
    suite: SuiteName = "image",
    tier: TierOption = Tier.STANDARD,
    parameters: Annotated[str, typer.Option("--with", help="JSON parameters for the facts that are named.")] = "",
    out: Annotated[Path | None, typer.Option(help="Also write the facts to this file.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Look at this place, a child process for each fact, and print what was seen.

    Example: envcheck observe --suite gpu --out facts.json
    """
    from envcheck.collect import collect
    from envcheck.listing import facts_text
    from envcheck.occasion import requests_for
    from envcheck.storage import write_json

    facts = collect(requests_for(names or (), suite, tier, parameters), progress=_say)
    if out is not None:
        write_json(out, facts.to_json())
    _print(facts_text(facts), facts.to_json(), as_json=as_json)


@app.command()
def judge(
    facts: FactsFile = None,
    suite: SuiteName = "image",
    policy: Annotated[Path | None, typer.Option(help="What is expected and waived (TOML).")] = None,
    lock: Lock = None,
    tier: TierOption = Tier.STANDARD,
    only: Only = None,
    skip: Skip = None,
    output: Format = "terminal",
    *,
    as_json: AsJson = False,
) -> None:
    """Judge facts by every check of a suite. Without a policy, every check that runs is required.

    Exit status: 0 all passed, 1 a required check failed, 3 one could not be decided, 2 no verdict.

    Example: envcheck judge facts.json --suite image --policy policy.toml --lock constraints.txt
    """
    from envcheck.gate import exit_code
    from envcheck.occasion import Sources, judge_here

    sources = Sources(facts=facts, policy=policy, lock=lock)
    outcome = judge_here(suite, sources, _selection(tier, only, skip), _say)
    _print_report(outcome, "json" if as_json else output)
    raise typer.Exit(exit_code(outcome.decision))


@app.command()
def gate(
    policy: Annotated[Path, typer.Option(help="What is required, expected and waived (TOML).")],
    facts: FactsFile = None,
    suite: SuiteName = "image",
    lock: Lock = None,
    tier: TierOption = Tier.STANDARD,
    receipt: Annotated[Path | None, typer.Option(help="Write a receipt into this folder when open.")] = None,
    subject: Annotated[list[str] | None, typer.Option(help="NAME=FILE that the receipt binds by digest.")] = None,
    output: Format = "terminal",
    *,
    as_json: AsJson = False,
) -> None:
    """Open or close on what a policy requires, and leave a receipt when open.

    Exit status: 0 open, 1 a required check failed, 3 one could not be decided, 2 no verdict.

    Example: envcheck gate --policy policy.toml --lock constraints.txt --receipt receipts/image
    """
    from envcheck.gate import exit_code
    from envcheck.occasion import Sources, judge_here, parse_subjects, settle_receipt

    subjects = parse_subjects(subject or ())
    sources = Sources(facts=facts, policy=policy, lock=lock)
    outcome = judge_here(suite, sources, _selection(tier, None, None), _say)
    if receipt is not None:
        _say(settle_receipt(outcome, receipt, subjects))
    _print_report(outcome, "json" if as_json else output)
    raise typer.Exit(exit_code(outcome.decision))


@app.command()
def parity(files: Annotated[list[Path], typer.Argument(metavar="FACTS")], *, as_json: AsJson = False) -> None:
    """Compare the facts of two or more places field by field. Exit status 1 where they differ and may not.

    Example: envcheck parity local.json container.json
    """
    from envcheck.occasion import compare_files

    compared = compare_files(files)
    _print(compared.text(), compared.to_json(), as_json=as_json)
    raise typer.Exit(0 if compared.equal else 1)


@app.command()
def explain(check: str, *, as_json: AsJson = False) -> None:
    """Say what a check is for, the incident behind it, and how to mend what it finds.

    Example: envcheck explain torch_build
    """
    from envcheck.core import encode
    from envcheck.explain import explain as explain_check
    from envcheck.occasion import find_check

    explanation = explain_check(check, find_check(check))
    _print(explanation.text(), encode(explanation), as_json=as_json)


@app.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """List the facts, checks and suites there are.

    Example: envcheck list
    """
    from envcheck.checks import CHECKS
    from envcheck.listing import catalogue, catalogue_text
    from envcheck.suites import FACTS, SUITES

    kinds = catalogue(FACTS, CHECKS, SUITES)
    _print(catalogue_text(kinds), kinds, as_json=as_json)


def _selection(tier: Tier, only: Sequence[str] | None, skip: Sequence[str] | None) -> Selection:
    from envcheck.judge import Selection

    return Selection(tier=tier, only=tuple(only or ()), skip=tuple(skip or ()))


def _print_report(outcome: Outcome, output: str) -> None:
    from envcheck.render import render_for

    typer.echo(render_for(sys.stdout, output, outcome.report, outcome.decision), nl=False)


def _print(text: str, value: Json, *, as_json: bool) -> None:
    import json

    typer.echo(json.dumps(value, indent=1) if as_json else text.rstrip("\n"))


def _say(line: str) -> None:
    """Progress goes to stderr: stdout is the result."""
    typer.echo(line, err=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; every error ends as one message and an exit status."""
    run(app, argv)
