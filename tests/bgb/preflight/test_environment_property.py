"""No environment over the known names, in any case and with junk values, changes a plan or gets past the gate."""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from bgb.preflight.checks import environment as check
from bgb.preflight.contract import RunContract
from bgb.preflight.facts.run_environment import RunEnvironment, SetVariable
from bgb.variables import FOREIGN, VARIABLES, foreign, is_own, shown_value
from envcheck.core import Context, Expectations, Facts, Verdict
from tests.bgb.preflight.world import origins
from tests.bgb.test_plan import ROSTER, config_with, resolve

KNOWN = [*VARIABLES, *(row.pattern.replace("*", "X").replace("[A-Z]", "X") for row in FOREIGN)]
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title)
JUNK = st.one_of(
    st.sampled_from(["", "0", "1", "50", "-1", "true", "None", "official", "cuda", " 50", "5e1"]),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=40),
)


@st.composite
def environments(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(KNOWN), max_size=8))
    return {draw(st.sampled_from(CASES))(name): draw(JUNK) for name in names}


def verdict_on(environ: dict[str, str], allow: dict[str, str], limit_files: int | None) -> Verdict:
    relevant = [name for name in environ if is_own(name) or foreign(name)]
    seen = RunEnvironment(
        salt="salt",
        variables=tuple(SetVariable(name=n, shown=shown_value(n, environ[n]), digest="0" * 64) for n in relevant),
    )
    config = config_with(environment={"allow": allow}, data={"limit_files": limit_files})
    expect = Expectations.of(RunContract.from_config(config, "train"))
    return check.check(Context(facts=Facts.of(seen, origins(*relevant)), expect=expect)).verdict


@settings(max_examples=200, deadline=None)
@given(environments())
def test_whatever_is_set_and_matters_closes_a_gate_that_allows_nothing(environ: dict[str, str]) -> None:
    matters = [name for name in environ if (is_own(name) or foreign(name)) and not harmless_action(name, environ[name])]
    assert verdict_on(environ, {}, None) is (Verdict.FAIL if matters else Verdict.PASS)


def harmless_action(name: str, value: str) -> bool:
    return name == "BGB_FORCE_MANIFEST_REBUILD" and value in {"0", "1"}


@settings(max_examples=100, deadline=None)
@given(JUNK, st.one_of(st.none(), st.integers(1, 99)))
def test_a_limit_passes_only_where_permission_value_and_configuration_agree(value: str, limit: int | None) -> None:
    verdict = verdict_on({"BGB_LIMIT_FILES": value}, {"BGB_LIMIT_FILES": value}, limit)
    assert verdict is (Verdict.PASS if limit is not None and value == str(limit) else Verdict.FAIL)


@settings(max_examples=50, deadline=None)
@given(environments())
def test_no_environment_changes_the_digest_of_a_plan(environ: dict[str, str]) -> None:
    plain = resolve(config_with(), ROSTER).digest()
    with mock.patch.dict(os.environ, {name: value.replace("\0", "") for name, value in environ.items()}):
        assert resolve(config_with(), ROSTER).digest() == plain
