from __future__ import annotations

import hashlib
import json

from envcheck.core import encode
from envcheck.facts.kernel_packages import KernelPackage, KernelPackages
from tests.envcheck.environments import Environment
from tests.envcheck.sightings import CONV_COMMIT, CONV_FILE, kernel_build

WHEEL = "Wheel-Version: 1.0\nGenerator: bdist_wheel (0.43.0)\nRoot-Is-Purelib: false\n"
BUILD = kernel_build(CONV_COMMIT, CONV_FILE)


def look(environment: Environment) -> KernelPackage:
    return environment.observe(KernelPackages, packages=["causal-conv1d"]).packages[0]


def install(environment: Environment, record: str | None) -> None:
    info = "causal_conv1d-1.4.0.dist-info"
    files: dict[str, str | bytes] = {CONV_FILE: b"binary", f"{info}/WHEEL": WHEEL}
    if record is not None:
        files[f"{info}/build.json"] = record
    environment.install("causal-conv1d", "1.4.0", files)


def test_a_package_that_is_not_there_is_said_to_be_absent(environment: Environment) -> None:
    assert look(environment) == KernelPackage(name="causal-conv1d", version=None)


def test_a_downloaded_wheel_has_no_build_record(environment: Environment) -> None:
    install(environment, None)
    seen = look(environment)
    assert (seen.version, seen.build, seen.build_error) == ("1.4.0", None, None)
    assert seen.generator == "bdist_wheel (0.43.0)"
    assert seen.binaries == {CONV_FILE: hashlib.sha256(b"binary").hexdigest()}


def test_a_build_record_is_read_back(environment: Environment) -> None:
    install(environment, json.dumps(encode(BUILD)))
    assert look(environment).build == BUILD


def test_a_build_record_that_makes_no_sense_is_an_error_and_no_record(environment: Environment) -> None:
    install(environment, '{"commit": 7}')
    seen = look(environment)
    assert seen.build is None
    assert seen.build_error is not None
    assert seen.build_error.startswith("build.json cannot be read: ")


def test_a_binary_that_is_gone_is_not_listed(environment: Environment) -> None:
    install(environment, None)
    (environment.site / CONV_FILE).unlink()
    assert look(environment).binaries == {}
