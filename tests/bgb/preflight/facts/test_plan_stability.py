from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bgb.preflight.facts.plan_stability import all_poisons, find_culprits
from bgb.variables import VARIABLES, foreign, is_own

NAMES = st.sets(st.integers(0, 200), min_size=1, max_size=60)


@given(NAMES, st.data())
def test_one_culprit_among_many_is_found_alone(numbers: set[int], data: st.DataObject) -> None:
    names = [str(number) for number in sorted(numbers)]
    culprit = data.draw(st.sampled_from(names))
    assert find_culprits(names, lambda part: culprit in part) == [culprit]


@given(NAMES, st.data())
def test_two_that_only_act_together_are_both_kept(numbers: set[int], data: st.DataObject) -> None:
    names = [str(number) for number in sorted(numbers)]
    pair = {data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))}

    def differs(part: Sequence[str]) -> bool:
        return pair <= set(part)

    found = find_culprits(names, differs)
    assert pair <= set(found)
    assert differs(found)


def test_every_declared_variable_and_every_foreign_pattern_is_a_poison() -> None:
    poisons = all_poisons()
    assert VARIABLES.keys() <= poisons.keys()
    assert sum(foreign(name) is not None for name in poisons if not is_own(name)) > 20
    assert "PYTHONHOME" not in poisons, "no Python starts with it"
    assert {"working directory", "umask", "home folder", "locale", "time zone", "PYTHONHASHSEED"} <= poisons.keys()
