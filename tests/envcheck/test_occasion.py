from __future__ import annotations

from envcheck.core import Tier
from envcheck.occasion import requests_for
from envcheck.suites import IMAGE


def test_without_names_the_suite_says_what_to_look_at() -> None:
    assert requests_for((), "image", Tier.QUICK, "") == IMAGE.requests_at(Tier.QUICK)


def test_a_fact_that_is_named_has_the_suites_parameters_unless_others_are_given() -> None:
    (usual,) = requests_for(("package_bytecode",), "image", Tier.QUICK, "")
    assert usual.parameters == {"packages": ["torch", "triton", "numpy"]}
    (other,) = requests_for(("package_bytecode",), "image", Tier.QUICK, '{"packages": ["rich"]}')
    assert other.parameters == {"packages": ["rich"]}
