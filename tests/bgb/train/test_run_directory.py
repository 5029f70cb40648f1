"""Where the files of a training lie can be asked without loading what trains."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bgb.train.run_directory import RunDirectory


def test_a_checkpoint_is_named_where_it_exists(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    directory.checkpoints.mkdir()
    directory.last.touch()

    assert directory.last_checkpoint == directory.last
    assert directory.best_checkpoint is None


def test_asking_loads_neither_torch_nor_lightning() -> None:
    program = (
        "import sys, bgb.train.run_directory, bgb.train.record; sys.exit(bool({'torch', 'lightning'} & {*sys.modules}))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
