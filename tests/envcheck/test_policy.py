from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from envcheck.core import Expectations
from envcheck.errors import FileUnusable, PolicyError
from envcheck.policy import Policy, Vocabulary, Waiver, load_policy
from tests.envcheck.toy_suite import CHECKS, ExpectedGreeting

VOCABULARY = Vocabulary(
    checks=CHECKS,
    suites=("walk", "swim"),
    expectations={ExpectedGreeting.key: ExpectedGreeting},
    never_waived=frozenset({"is_dry"}),
)

WHOLE = """
name = "summer"

[require]
checks = ["is_dry"]
walk = ["greets", "is_dry"]
swim = ["is_calm"]

[expect.greeting]
text = "hello Ana"
languages = ["en", "es"]

[[waiver]]
check = "greets"
reason = "Ana is away"
owner = "bo"
expires = 2025-07-01
"""


def load(tmp_path: Path, text: str, suite: str = "walk") -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return load_policy(path, VOCABULARY, suite=suite)


def test_a_policy_says_what_is_required_expected_and_excused(tmp_path: Path) -> None:
    policy = load(tmp_path, WHOLE)
    assert policy.name == "summer"
    assert policy.required == ("is_dry", "greets")
    expected = ExpectedGreeting(text="hello Ana", languages=("en", "es"))
    assert policy.expect[ExpectedGreeting] == expected
    assert policy.waivers == (Waiver(check="greets", reason="Ana is away", owner="bo", expires=date(2025, 7, 1)),)


def test_another_suite_requires_its_own_checks_beside_the_common_ones(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE, suite="swim").required == ("is_dry", "is_calm")


def test_a_policy_with_a_name_alone_requires_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, 'name = "empty"') == Policy(name="empty", required=(), expect=Expectations({}))


def test_what_an_expectation_leaves_out_has_its_default(tmp_path: Path) -> None:
    policy = load(tmp_path, 'name = "p"\n[expect.greeting]\ntext = "hi"')
    assert policy.expect[ExpectedGreeting] == ExpectedGreeting(text="hi", loud=False, languages=())


def test_the_digest_changes_with_the_meaning_and_not_with_the_layout(tmp_path: Path) -> None:
    policy = load(tmp_path, WHOLE)
    assert load(tmp_path, f"# a comment\n{WHOLE}\n\n").digest == policy.digest
    for old, new in (("summer", "winter"), ("hello", "goodbye"), ("2025-07-01", "2025-07-02"), ('"greets", ', "")):
        assert load(tmp_path, WHOLE.replace(old, new)).digest != policy.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[require]", r'the policy needs name = "\.\.\.", found None'),
        ('name = " "', "the policy needs name"),
        ('name = "p"\nrequired = []', r"unknown key 'required'; did you mean 'require'\?"),
        ('name = "p"\nrequire = 3', "require: expected a table, found 3"),
        ('name = "p"\n[require]\nwalks = []', r"unknown key 'require.walks'; did you mean 'walk'\?"),
        ('name = "p"\n[require]\nchecks = "is_dry"', "require.checks: expected a list of checks, found 'is_dry'"),
        ('name = "p"\n[require]\nchecks = [3]', "require.checks: expected a list of checks"),
        ('name = "p"\n[require]\nchecks = ["is_drie"]', r"require.checks: no check is called 'is_drie'; did you mean"),
        ('name = "p"\n[require]\nswim = ["zzz"]', "require.swim: no check is called 'zzz'; known: greets, is_calm"),
        ('name = "p"\n[expect.greting]', r"unknown key 'expect.greting'; did you mean 'greeting'\?"),
        ('name = "p"\n[expect]\ngreeting = 3', "greeting: expected a table, found 3"),
        ('name = "p"\n[expect.greeting]\ntxt = "hi"', r"unknown key 'expect.greeting.txt'; did you mean 'text'\?"),
        ('name = "p"\n[expect.greeting]', "expect.greeting: missing or unknown fields: text"),
        ('name = "p"\n[expect.greeting]\ntext = 3', "expect.greeting.text: expected <class 'str'>, found '3'"),
        ('name = "p"\n[expect.greeting]\ntext = 2025-01-01', "expect.greeting.text: expected"),
        ('name = "p"\nwaiver = 3', r"waiver: expected tables that start with \[\[waiver\]\]"),
        ('name = "p"\nwaiver = [3]', r"waiver: expected tables that start with \[\[waiver\]\]"),
        ('name = "p"\n[[waiver]]\nreason = "x"', 'a waiver needs check = "..."'),
    ],
)
def test_a_policy_that_says_something_else_is_refused_by_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "policy.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('check = "greets"', 'check = "grets"', r"waiver.check: no check is called 'grets'; did you mean 'greets'\?"),
        ('check = "greets"', 'check = "is_dry"', "'is_dry' can never be waived; remove the waiver"),
        ('reason = "Ana is away"', "", "the waiver for 'greets' needs reason"),
        ('owner = "bo"', 'owner = ""', "the waiver for 'greets' needs owner"),
        (
            "expires = 2025-07-01",
            "",
            "the waiver for 'greets' needs its last day, as in expires = 2026-03-01; found None",
        ),
        ("expires = 2025-07-01", 'expires = "2025-07-01"', "needs its last day"),
        ("expires = 2025-07-01", "expires = 2025-07-01T10:00:00Z", "needs its last day"),
        ('owner = "bo"', 'owner = "bo"\nuntil = 3', "unknown key 'waiver.until'"),
    ],
)
def test_a_waiver_that_is_not_whole_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    with pytest.raises(PolicyError, match=message):
        load(tmp_path, WHOLE.replace(old, new))


def test_two_waivers_for_one_check_are_refused(tmp_path: Path) -> None:
    waiver = WHOLE[WHOLE.index("[[waiver]]") :]
    with pytest.raises(PolicyError, match="'greets' is waived 2 times; keep one"):
        load(tmp_path, WHOLE + waiver)


def test_a_file_that_is_no_toml_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"not valid TOML: .*line 1"):
        load(tmp_path, "name = = 3")


def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(FileUnusable, match="the policy cannot be read: No such file"):
        load_policy(tmp_path / "none.toml", VOCABULARY, suite="walk")
    (tmp_path / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(FileUnusable, match="expected TOML in UTF-8, found other bytes at offset 11"):
        load_policy(tmp_path / "latin.toml", VOCABULARY, suite="walk")
