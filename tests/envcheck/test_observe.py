from __future__ import annotations

import json
import subprocess
import sys

import pytest

from envcheck.core import Fact
from envcheck.observe import FRAME, address_of, describe, find_fact
from tests.envcheck import toy_facts as toy


def observe(address: str, parameters: bytes = b"{}") -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-P", "-m", "envcheck.observe", address]
    return subprocess.run(argv, input=parameters, capture_output=True, timeout=60, check=False)


def test_stdout_holds_the_framed_answer_and_nothing_else() -> None:
    said = observe(address_of(toy.Noise))
    text = said.stdout.split(b"\n")[2]
    assert said.stdout == FRAME + str(len(text)).encode() + b"\n" + text + b"\n"
    assert json.loads(text) == {"schema": 1, "value": {"number": 1}}
    assert said.returncode == 0


def test_noise_goes_to_stderr() -> None:
    stderr = observe(address_of(toy.Noise)).stderr
    assert all(words in stderr for words in (b"python says hello", b"c says hello", b"a child says hello", b"goodbye"))


def test_no_parameters_are_no_parameters() -> None:
    assert b'"celsius": 21.5' in observe(address_of(toy.Weather), b"").stdout


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("no_such_module:Fact", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("tests.envcheck.toy_facts:Snow", "AttributeError: module 'tests.envcheck.toy_facts' has no attribute 'Snow'"),
        ("tests.envcheck.toy_facts:NOT_A_FACT", "TypeError: tests.envcheck.toy_facts:NOT_A_FACT is not a fact"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_reason(address: str, reason: str) -> None:
    text = observe(address).stdout.split(b"\n")[2]
    assert json.loads(text) == {"unseen": reason}


def test_a_fact_is_found_where_its_address_says() -> None:
    assert find_fact(address_of(toy.Weather)) is toy.Weather


class Outer:
    class Inner(Fact):
        """A fact inside something else."""


def test_a_nested_fact_is_found_too() -> None:
    assert find_fact(address_of(Outer.Inner)) is Outer.Inner


def test_an_exception_without_a_message_is_its_type() -> None:
    assert describe(KeyError()) == "KeyError"


def test_an_exception_is_one_line() -> None:
    assert describe(OSError("first\n  second")) == "OSError: first second"
