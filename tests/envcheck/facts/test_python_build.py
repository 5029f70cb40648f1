from __future__ import annotations

import platform
from pathlib import Path

from envcheck.facts.python_build import PythonBuild
from tests.envcheck.environments import Environment, make_environment


def test_the_python_of_an_environment_says_what_it_is_and_where(environment: Environment) -> None:
    seen = environment.observe(PythonBuild)
    assert (seen.version, seen.implementation) == (platform.python_version(), "cpython")
    assert seen.prefix == str(environment.prefix)
    assert seen.virtual_environment
    assert not seen.system_site_packages
    assert not seen.user_site
    assert seen.abi in seen.extension_suffixes[0]


def test_what_the_environment_variables_switch_is_seen(environment: Environment) -> None:
    variables = {"PYTHONOPTIMIZE": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDEVMODE": "1"}
    seen = environment.observe(PythonBuild, variables=variables)
    assert (seen.optimize, seen.hash_seed_fixed, seen.utf8_mode, seen.dev_mode) == (1, True, True, True)


def test_an_environment_that_sees_the_packages_below_it_says_so(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "environment", system_site_packages=True)
    assert environment.observe(PythonBuild).system_site_packages


def test_paths_below_the_home_are_shown_without_it(environment: Environment) -> None:
    seen = environment.observe(PythonBuild, variables={"HOME": str(environment.prefix.parent)})
    assert (seen.prefix, seen.executable) == ("~/environment", "~/environment/bin/python")
