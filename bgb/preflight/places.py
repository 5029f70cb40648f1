"""Where a run keeps its receipts and its run directories, below `paths.runs`."""

from __future__ import annotations

from pathlib import Path

from bgb.config import RunConfig


def receipt_directory(config: RunConfig, purpose: str) -> Path:
    """The directory of the newest receipt of this run for this purpose."""
    return config.paths.runs / "preflight" / f"{config.name}-{purpose}"


def run_directories(config: RunConfig) -> Path:
    """The directory that holds a directory for each training of this run."""
    return config.paths.runs / config.name
