"""The demo corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bgb.data.synthetic import write_demo_corpus


def write_demo(directory: Path, *, seed: int, say: Callable[[str], None]) -> str:
    """Write the corpus, and say what it is and is not."""
    corpus = write_demo_corpus(directory, seed=seed, progress=say)
    return (
        f"{directory}: {corpus.recordings} recordings of {corpus.patients} patients, {corpus.hours:.2f} hours, "
        f"{corpus.seizures} seizures; synthetic: good for trying everything, says nothing about patients\n"
    )
