from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from envcheck.core import Context, Expectations, Facts
from envcheck.facts.packages import Packages
from envcheck.remedies import new_environment, reinstall, remove, uninstall
from tests.envcheck.sightings import PYTHON, context, package, packages

PIP_ALONE = Packages(packages=(package("pip", "24.0", installer="pip"), package("numpy", "2.2.6", installer="pip")))
NOTHING_KNOWN = Context(facts=Facts({}), expect=Expectations({}))


def test_pip_removes_what_it_must_install_again_and_leaves_the_rest() -> None:
    assert reinstall(context(PYTHON, PIP_ALONE), "numpy", "torch") == (
        "~/bgb/.venv/bin/python -m pip uninstall -y numpy torch"
        " && ~/bgb/.venv/bin/python -m pip install --require-hashes --no-deps -r constraints.txt"
    )
    assert uninstall(context(PYTHON, PIP_ALONE), "jax") == "~/bgb/.venv/bin/python -m pip uninstall -y jax"


def test_the_environments_own_uv_is_called_through_its_python() -> None:
    seen = context(PYTHON, packages(package("uv", "0.9.0", installer="pip")))
    assert uninstall(seen, "jax") == ("~/bgb/.venv/bin/python -m uv pip uninstall --python ~/bgb/.venv/bin/python jax")


def test_a_remedy_is_given_also_where_nothing_about_the_environment_was_seen() -> None:
    assert reinstall(NOTHING_KNOWN) == "python -m pip install --require-hashes --no-deps -r constraints.txt"
    assert new_environment(NOTHING_KNOWN, "3.11").startswith("python3.11 -m venv --clear .venv && ")
    assert remove(NOTHING_KNOWN, "lib/a.pth") == "rm -r .venv/lib/a.pth"


@pytest.mark.parametrize("path", ["lib/a b.so", "/opt/it's/x", "lib/$HOME.py", "lib/;rm"])
def test_a_path_reaches_the_command_as_one_word(path: str) -> None:
    command = remove(context(replace(PYTHON, prefix="/env")), path)
    assert shlex.split(command) == ["rm", "-r", path if path.startswith("/") else f"/env/{path}"]


def test_a_home_stays_a_tilde_that_the_shell_expands() -> None:
    assert remove(context(PYTHON), "~/a b/c.py") == "rm -r ~/'a b/c.py'"
