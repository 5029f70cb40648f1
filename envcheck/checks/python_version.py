"""The Python is the one that the lock was made for.

torch 2.2.2 has wheels for Python 3.8 to 3.12 only, and compiled packages load in the one minor version that their
file names carry. Under another Python the same lock installs other files, or the compiled ones are "not found".

How to fix: make the environment anew with the Python that the policy names.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPython
from envcheck.facts.python_build import PythonBuild
from envcheck.remedies import new_environment


def check(context: Context) -> Finding:
    """Compare the version, as far as the policy states it, and the implementation."""
    found, expected = context.facts[PythonBuild], context.expect[ExpectedPython]
    version = Evidence(subject="Python", found=f"{found.implementation} {found.version}", expected=_text(expected))
    surroundings = (
        Evidence(subject="executable", found=found.executable),
        Evidence(subject="extension modules", found=found.abi),
        Evidence(subject="virtual environment", found="yes" if found.virtual_environment else "no"),
    )
    if found.implementation == expected.implementation and f"{found.version}.".startswith(f"{expected.version}."):
        return Finding.passed(f"Python {found.version}", version, *surroundings)
    minor = ".".join(expected.version.split(".")[:2])
    return Finding.failed(
        f"this is {version.found}, expected {version.expected}",
        version,
        *surroundings,
        remedy=new_environment(context, minor),
    )


def _text(expected: ExpectedPython) -> str:
    return f"{expected.implementation} {expected.version}"
