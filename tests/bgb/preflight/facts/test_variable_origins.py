"""Origins are observed in real process chains: a shell, a script, a program that changes its own environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LOOK = (
    "import json, sys; from bgb.preflight.facts.variable_origins import VariableOrigins;"
    "print(json.dumps({o.name: o.sources for o in VariableOrigins.observe(directory=sys.argv[1]).origins}))"
)


def observe(script: str, *, home: Path, directory: Path, **environ: str) -> dict[str, list[str]]:
    """What is seen by a Python that this shell script starts as `look`."""
    look = f'"{sys.executable}" -c \'{LOOK}\' "{directory}"'
    clean = {"PATH": os.environ["PATH"], "HOME": str(home), **environ}
    answer = subprocess.run(
        ["bash", "--norc", "-c", f"{script.replace('look', look)}; true"],
        capture_output=True,
        text=True,
        check=True,
        env=clean,
    )
    found: dict[str, list[str]] = json.loads(answer.stdout)
    return found


def test_an_export_in_the_shell_is_found_in_that_shell(tmp_path: Path) -> None:
    (source,) = observe("export BGB_LIMIT_FILES=50; look", home=tmp_path, directory=tmp_path)["BGB_LIMIT_FILES"]
    assert source.startswith("inherited from the shell (process ")
    assert source.endswith("`bash`)")


def test_a_variable_that_a_program_set_for_itself_is_found_in_that_program(tmp_path: Path) -> None:
    code = (
        'import os, subprocess, sys; os.environ["BGB_LIMIT_FILES"] = "50";'
        'subprocess.run([sys.executable, "-c", os.environ["LOOK"], sys.argv[1]])'
    )
    script = f'"{sys.executable}" -c \'{code}\' "{tmp_path}"'
    (source,) = observe(script, home=tmp_path, directory=tmp_path, LOOK=LOOK)["BGB_LIMIT_FILES"]
    assert source.startswith("set inside process ")
    assert "python" in source


def test_a_start_up_file_that_names_the_variable_is_named_by_line_and_below_the_home(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("# BGB_LIMIT_FILES=1\n\nexport BGB_LIMIT_FILES=50\n", encoding="utf-8")
    sources = observe("export BGB_LIMIT_FILES=50; look", home=tmp_path, directory=Path("/"))["BGB_LIMIT_FILES"]
    assert sources[1:] == ["also named in the start-up file ~/.bashrc, line 3"]


def test_an_env_file_above_the_run_is_named(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    (project / "configs").mkdir(parents=True)
    home.mkdir()
    (project / ".env").write_text("WANDB_MODE=disabled\nBGB_LIMIT_FILES=50\n", encoding="utf-8")
    sources = observe("export BGB_LIMIT_FILES=50; look", home=home, directory=project / "configs")["BGB_LIMIT_FILES"]
    assert sources[1:] == [f"also named in the file {project / '.env'}, line 2"]


def test_a_name_that_only_contains_the_variable_is_not_a_mention(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("export MY_BGB_LIMIT_FILES=1 BGB_LIMIT_FILES_OLD=2\n", encoding="utf-8")
    sources = observe("export BGB_LIMIT_FILES=50; look", home=tmp_path, directory=Path("/"))["BGB_LIMIT_FILES"]
    assert len(sources) == 1


def test_variables_that_change_nothing_have_no_origin_to_find(tmp_path: Path) -> None:
    assert observe("export EDITOR=vi; look", home=tmp_path, directory=tmp_path) == {}
