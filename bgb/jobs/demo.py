"""The demo corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bgb.data.synthetic import write_demo_corpus
from bgb.errors import DataError
from envcheck.core import encode
from envcheck.errors import FileUnusable
from envcheck.storage import read_json, write_json

MARK = "demo_corpus.json"
"""Written last: a corpus that was interrupted has none."""


def write_demo(directory: Path, *, seed: int, say: Callable[[str], None]) -> str:
    """Write the corpus, or say that it is there; `DataError` where something else is."""
    try:
        found = read_json(directory / MARK)
    except FileUnusable:
        found = {}
    if found.get("seed") == seed:
        return f"{directory}: the demo corpus of seed {seed} is there already\n"
    if directory.exists() and any(directory.iterdir()) and not _is_unfinished(directory):
        raise DataError(f"{directory}: not empty and not the demo corpus of seed {seed}; name another folder")
    write_json(directory / STARTED, {"seed": seed})
    corpus = write_demo_corpus(directory, seed=seed, progress=say)
    write_json(directory / MARK, {"seed": seed, "corpus": encode(corpus)})
    return (
        f"{directory}: {corpus.recordings} recordings of {corpus.patients} patients, {corpus.hours:.2f} hours, "
        f"{corpus.seizures} seizures; synthetic: good for trying everything, says nothing about real EEG\n"
    )


STARTED = ".demo_corpus.started"


def _is_unfinished(directory: Path) -> bool:
    return (directory / STARTED).exists() and not (directory / MARK).exists()
