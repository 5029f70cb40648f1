"""The command line of bgb: each command parses, calls one function of the library, renders, and exits."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bgb.cli_groups import AsJson, demo, kernels, receipt, say
from envcheck.boundary import run
from envcheck.core import Tier

if TYPE_CHECKING:
    from bgb.config import RunConfig

app = typer.Typer(
    name="bgb",
    help="Train an EEG seizure detector, after proving that the run about to start is the run that was meant.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # loading the other renderer triples the time of --help
)
app.add_typer(demo, name="demo")
app.add_typer(kernels, name="kernels")
app.add_typer(receipt, name="receipt")

DEFAULT_CONFIG = Path(__file__).resolve().parents[1] / "configs" / "local" / "train.yaml"

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The run: a YAML file such as configs/local/smoke.yaml.")
]
OptionalConfig = Annotated[
    Path | None, typer.Argument(metavar="CONFIG", help="The run; configs/local/train.yaml when left out.")
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Use this corpus instead of the run's.")]
CacheDir = Annotated[Path | None, typer.Option("--cache-dir", help="Use this cache instead of the run's.")]
Purpose = Annotated[Literal["train", "cache"], typer.Option("--for", help="What the run is about to do.")]


@app.command()
def plan(
    config: Config,
    purpose: Purpose = "train",
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a run comes to, without running it.

    Recordings, windows, steps, time and cost, and the digest of it all.

    Example: bgb plan configs/local/smoke.yaml
    """
    from bgb.plan_view import show_plan
    from bgb.preflight.run import resolve

    typer.echo(show_plan(resolve(_load(config), purpose, say), as_json=as_json))


@app.command()
def preflight(
    config: OptionalConfig = None,
    purpose: Purpose = "train",
    tier: Annotated[Tier, typer.Option(help="How deep to look; quick imports no torch.")] = Tier.STANDARD,
    only: Annotated[list[str] | None, typer.Option(help="Run this check alone; never opens the gate.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this check out; never opens the gate.")] = None,
    output: Annotated[
        Literal["terminal", "json", "junit", "markdown", "html"],
        typer.Option("--format", help="How to print the report."),
    ] = "terminal",
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Prove that a run is the one that was meant.

    Where it is, the receipt that opens the gate is written.

    Exit status: 0 open, 1 a required check failed, 3 one could not be decided, 2 no verdict.

    Example: bgb preflight configs/local/smoke.yaml --for train
    """
    from bgb.preflight.run import preflight as run_preflight
    from envcheck.judge import Selection

    chosen = _load(config, data_dir, cache_dir)
    selection = Selection(tier=tier, only=tuple(only or ()), skip=tuple(skip or ()))
    outcome = run_preflight(chosen, purpose, selection, say)
    typer.echo(outcome.render(sys.stdout, "json" if as_json else output), nl=False)
    raise typer.Exit(outcome.exit_code)


@app.command("test-mamba")
def prove_kernels(
    config: OptionalConfig = None,
    tier: Annotated[
        Tier, typer.Option(help="How deep to look; deep compiles every kernel and asks the GPU.")
    ] = Tier.DEEP,
    without_gpu: Annotated[bool, typer.Option("--without-gpu", help="Leave out what needs one: for an image.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Run this check alone.")] = None,
    skip: Annotated[list[str] | None, typer.Option(help="Leave this check out.")] = None,
    output: Annotated[
        Literal["terminal", "json", "junit", "markdown", "html"],
        typer.Option("--format", help="How to print the report."),
    ] = "terminal",
    *,
    as_json: AsJson = False,
) -> None:
    """Prove the compiled Mamba kernels, for the layers of a run.

    What a build needs, who built what is here and for which GPU, whether it loads, compiles with Triton, and on a GPU
    whether it computes right, by the fused path, and fast enough. Needs no data and opens no gate.

    Exit status: 0 all passed, 1 a check failed, 3 one could not be decided, 2 no verdict.

    Example: bgb test-mamba configs/modal/train.yaml --without-gpu
    """
    from bgb.preflight.prove_kernels import prove_kernels as run_suite
    from envcheck.judge import Selection

    selection = Selection(tier=tier, only=tuple(only or ()), skip=tuple(skip or ()))
    outcome = run_suite(_load(config), selection, say, without_gpu=without_gpu)
    typer.echo(outcome.render(sys.stdout, "json" if as_json else output), nl=False)
    raise typer.Exit(outcome.exit_code)


@app.command("build-cache")
def build_cache(
    config: OptionalConfig = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; as many as there are cores.")] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers build, instead of processes.")
    ] = None,
    keep_going: Annotated[bool, typer.Option(help="Go on past the share of refused recordings.")] = False,
    verify: Annotated[bool, typer.Option(help="Read all that is built already, and mend what is damaged.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Turn the corpus into a cache of signals.

    Asks the gate first. What is built already is left alone.

    Example: bgb build-cache configs/local/smoke.yaml
    """
    from bgb.jobs.cache import How, build

    command = _preflight_command(config, "cache", data_dir, cache_dir)
    chosen = _load(config, data_dir, cache_dir)
    how = How(workers=workers, cluster=cluster, keep_going=keep_going, verify=verify)
    built = build(chosen, how, command=command, say=say)
    typer.echo(built.render(as_json=as_json), nl=False)


@app.command("scan-cache")
def scan_cache(
    config: OptionalConfig = None,
    cache_dir: CacheDir = None,
    verify: Annotated[bool, typer.Option(help="Read every byte, not only the headers.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Name every damaged file of a cache.

    Missing and foreign ones too. Changes nothing.

    Example: bgb scan-cache configs/local/smoke.yaml --verify
    """
    from bgb.jobs.cache import scan

    found = scan(_load(config, None, cache_dir), verify=verify, say=say)
    typer.echo(found.render(as_json=as_json), nl=False)
    raise typer.Exit(found.exit_code)


@app.command()
def train(
    config: Config,
    resume: Annotated[
        bool | None,
        typer.Option("--resume/--new", help="Demand a checkpoint to go on from, or begin another run of this plan."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Train, after asking the gate.

    Goes on with the newest run of the same plan where one has a checkpoint: after Ctrl-C, a kill or a lost machine the
    same command continues, at most minutes back.

    Example: bgb train configs/local/smoke.yaml
    """
    from bgb.jobs.train import train as run_training

    trained = run_training(_load(config), resume=resume, command=_preflight_command(config, "train"), say=say)
    typer.echo(trained.render(as_json=as_json), nl=False)


@app.command()
def evaluate(
    config: Config,
    checkpoint: Annotated[Path | None, typer.Option(help="The best one of the newest run when left out.")] = None,
    split: Annotated[
        Literal["train", "dev", "eval"] | None, typer.Option(help="The run's evaluate.split when left out.")
    ] = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Score eval although it was; the report says so.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score a checkpoint on whole recordings.

    By events and by samples; writes predictions as CSV_BI and BIDS events, tables and figures. Thresholds are chosen
    on dev and carried to eval, which is scored once for a checkpoint.

    Example: bgb evaluate configs/local/smoke.yaml --split dev
    """
    from bgb.jobs.evaluate import evaluate as run_evaluation

    scored = run_evaluation(_load(config), checkpoint=checkpoint, split=split, again=again, say=say)
    typer.echo(scored.render(as_json=as_json), nl=False)


@app.command()
def predict(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of `bgb train`.")],
    recordings: Annotated[list[Path], typer.Argument(metavar="EDF...", help="Recordings in EDF.")],
    out: Annotated[Path, typer.Option(help="The folder for events and figures.")] = Path("predictions"),
    device: Annotated[
        Literal["cpu", "cuda"] | None, typer.Option(help="A GPU where there is one, when left out.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Find seizures in EDF files.

    Writes CSV_BI and a figure for each. Signals are prepared as the checkpoint was trained. Exit status 1 where a
    recording was refused.

    Example: bgb predict runs/tusz/.../best.ckpt recording.edf --out predictions
    """
    from bgb.jobs.predict import predict_files

    predicted = predict_files(checkpoint, recordings, out, device=device, say=say)
    typer.echo(predicted.render(as_json=as_json), nl=False)
    raise typer.Exit(predicted.exit_code)


@app.command()
def bench(
    config: OptionalConfig = None, data_dir: DataDir = None, cache_dir: CacheDir = None, *, as_json: AsJson = False
) -> None:
    """Measure building, loading and training on this machine.

    A few recordings and steps, beside what the plan counts on, so that one sees what limits the run. Changes nothing.

    Example: bgb bench configs/local/smoke.yaml
    """
    from bgb.jobs.bench import bench as measure

    typer.echo(measure(_load(config, data_dir, cache_dir), say).render(as_json=as_json), nl=False)


@app.command()
def env(*, as_json: AsJson = False) -> None:
    """List variables, what they do, where they came from.

    Every one that this project reads, and every foreign one that is set and can change a run.

    Example: bgb env
    """
    from bgb.jobs.env import show_environment

    typer.echo(show_environment(as_json=as_json, say=say), nl=False)


@app.command()
def checks(*, as_json: AsJson = False) -> None:
    """List every check with the occasions it belongs to.

    Example: bgb checks
    """
    from bgb.preflight.suites import describe_checks

    typer.echo(describe_checks(as_json=as_json), nl=False)


@app.command()
def explain(check: Annotated[str, typer.Argument(help="A name that `bgb checks` lists.")]) -> None:
    """Say what a check is for and how to mend it.

    Example: bgb explain patients_disjoint
    """
    from bgb.preflight.suites import explain_check

    typer.echo(explain_check(check), nl=False)


@app.command()
def parity(
    files: Annotated[list[Path], typer.Argument(help="Facts of two or more places, or receipts that hold them.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Compare the facts of several places.

    Field by field. Exit status 1 where they differ and may not.

    Example: bgb parity laptop/facts.json image/facts.json
    """
    from bgb.jobs.parity import compare_places

    compared = compare_places(files)
    typer.echo(json.dumps(compared.to_json(), indent=1) + "\n" if as_json else compared.text(), nl=False)
    raise typer.Exit(0 if compared.equal else 1)


def _load(path: Path | None, data_dir: Path | None = None, cache_dir: Path | None = None) -> RunConfig:
    from bgb.config import load_config

    return load_config(path or DEFAULT_CONFIG).with_paths(corpus=data_dir, cache=cache_dir)


def _preflight_command(
    path: Path | None, purpose: str, data_dir: Path | None = None, cache_dir: Path | None = None
) -> str:
    """The command that would open the gate for what was asked."""
    words = ["bgb", "preflight", *([str(path)] if path else []), "--for", purpose]
    given = {"--data-dir": data_dir, "--cache-dir": cache_dir}
    words += [word for option, value in given.items() if value is not None for word in (option, str(value))]
    return shlex.join(words)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; every error ends as one message and an exit status."""
    run(app, argv)
