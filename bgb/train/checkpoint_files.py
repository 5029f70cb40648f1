"""Checkpoints on disk: written whole or not at all, read without running what they hold."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

PARTIAL_SUFFIX = ".partial"


def discard_partial(folder: Path) -> None:
    """Delete what a killed process had not finished writing: each is as large as a checkpoint."""
    for path in folder.glob(f".*{PARTIAL_SUFFIX}"):
        path.unlink(missing_ok=True)


class AtomicCheckpoints(TorchCheckpointIO):
    """Lightning's own writer moves a file from the temporary directory, which is a copy where that is another disk."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Replace `path` in one step; what was there before stays until the new file is on the disk."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=PARTIAL_SUFFIX)
        try:
            with os.fdopen(handle, "wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)

    def load_checkpoint(self, path: Any, map_location: Any = "cpu") -> dict[str, Any]:
        content: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
        return content
