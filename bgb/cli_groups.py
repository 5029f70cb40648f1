"""The groups of commands below `bgb`: a demo corpus, receipts, compiled kernels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

demo = typer.Typer(help="A small synthetic corpus to try everything on.", no_args_is_help=True, rich_markup_mode=None)
receipt = typer.Typer(help="Look at receipts, judge their facts again.", no_args_is_help=True, rich_markup_mode=None)
kernels = typer.Typer(
    help="Compile the Mamba kernels, list what was made.", no_args_is_help=True, rich_markup_mode=None
)

DEFAULT_WHEELHOUSE = Path("wheelhouse")

Wheelhouse = Annotated[Path, typer.Option(help="The folder of the compiled wheels.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@kernels.command("build")
def kernels_build(
    arch: Annotated[list[str] | None, typer.Option(help="Compute capability; 8.0 and 9.0 when left out.")] = None,
    wheelhouse: Wheelhouse = DEFAULT_WHEELHOUSE,
    sources: Annotated[
        Path | None, typer.Option(help="The lock of sources; images/kernels.toml when left out.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Compilations at a time; what memory allows.")] = None,
    install: Annotated[bool, typer.Option("--install", help="Install the wheels into this environment.")] = False,
    *,
    as_json: AsJson = False,
) -> None:
    """Compile the Mamba kernels from their pinned commits.

    Says beforehand what is missing, keeps the wheels by what they fit, records what they were made with.

    Example: bgb kernels build --arch 8.0 --install
    """
    from bgb.kernels.build import Order, build_kernels
    from bgb.kernels.sources import LOCK, read_kernel_lock

    lock = read_kernel_lock(sources or LOCK)
    chosen = tuple(arch or ("8.0", "9.0"))
    order = Order(lock=lock, wheelhouse=wheelhouse, architectures=chosen, jobs=jobs, install=install)
    typer.echo(build_kernels(order, say).render(as_json=as_json), nl=False)


@kernels.command("list")
def kernels_list(wheelhouse: Wheelhouse = DEFAULT_WHEELHOUSE, *, as_json: AsJson = False) -> None:
    """List the wheels that were compiled here, with what they were made from.

    Example: bgb kernels list
    """
    from bgb.kernels.build import list_wheels

    typer.echo(list_wheels(wheelhouse, as_json=as_json), nl=False)


@receipt.command("show")
def receipt_show(directory: Path, *, as_json: AsJson = False) -> None:
    """Print what a receipt vouches for, and until when.

    Example: bgb receipt show runs/preflight/train-1a2b3c4d
    """
    from bgb.jobs.receipt import show_receipt

    typer.echo(show_receipt(directory, as_json=as_json), nl=False)


@receipt.command("replay")
def receipt_replay(directory: Path, *, as_json: AsJson = False) -> None:
    """Judge the stored facts of a receipt again. Exit status 1 where the verdicts differ.

    Example: bgb receipt replay runs/preflight/train-1a2b3c4d
    """
    from bgb.jobs.receipt import replay_receipt

    replay = replay_receipt(directory)
    typer.echo(replay.render(as_json=as_json), nl=False)
    raise typer.Exit(replay.exit_code)


@demo.command("corpus")
def demo_corpus(
    directory: Path,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Write a small synthetic corpus in the layout of TUSZ v2: EEG with seizures, artefacts and odd headers.

    Example: bgb demo corpus demo/corpus
    """
    from bgb.jobs.demo import write_demo

    typer.echo(write_demo(directory, seed=seed, say=say), nl=False)


def say(line: str) -> None:
    """Progress goes to stderr, flushed: stdout is the result."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201
