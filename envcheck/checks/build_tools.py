"""The programs and packages that compile an extension of torch are there.

The kernel packages declare none of what their setup.py imports, and environments made by uv have none of it: "No module
named 'setuptools'", "No such file or directory: 'which'"; without a ninja that runs it takes hours on one core.

How to fix: install what is named; the packages are in the lock's extra `gpu`, the programs in build-essential.
"""

from __future__ import annotations

from collections.abc import Iterator

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.build_tools import BuildTools
from envcheck.remedies import reinstall

_WHY = {
    "git": "fetches the pinned sources",
    "ninja": "compiles in parallel",
    "which": "is how torch looks for the compiler",
}
_SYSTEM = {"git": "git", "which": "debianutils"}


def check(context: Context) -> Finding:
    """Every program on the search path, every package installed, and no pair of them that is known to break."""
    tools = context.facts[BuildTools]
    programs = [name for name, path in sorted(tools.programs.items()) if path is None]
    packages = [name for name, version in sorted(tools.packages.items()) if version is None and name != "ninja"]
    wrong = [
        *(Evidence(subject=name, found="not on PATH", expected=f"it {_WHY[name]}") for name in programs),
        *(Evidence(subject=name, found="not installed", expected="setup.py imports it") for name in packages),
        *_broken_ninja(tools),
        *_broken_wheel(tools),
    ]
    if wrong:
        damaged = sorted({item.subject for item in (*_broken_ninja(tools), *_broken_wheel(tools))})
        system = [_SYSTEM[name] for name in programs if name != "ninja"]
        commands = [f"apt-get install -y {' '.join(system)}"] if system else []
        if packages or damaged or "ninja" in programs:
            commands.append(reinstall(context, *damaged))
        return Finding.failed(f"{wrong[0].subject} is {wrong[0].found}", *wrong, remedy=" && ".join(commands))
    evidence = (Evidence(subject=name, found=path or "") for name, path in sorted(tools.programs.items()))
    return Finding.passed(f"{', '.join(sorted({*tools.programs, *tools.packages}))} are there", *evidence)


def _broken_ninja(tools: BuildTools) -> Iterator[Evidence]:
    """torch asks `ninja --version`, and falls back to distutils where that fails."""
    path = tools.programs["ninja"]
    if path is not None and tools.ninja_version is None:
        yield Evidence(subject="ninja", found=f"at {path}, but does not run", expected=f"it {_WHY['ninja']}")


def _broken_wheel(tools: BuildTools) -> Iterator[Evidence]:
    """`The 'wheel.bdist_wheel' module has been removed. Please update your setuptools to v70.1 or later.`"""
    wheel, setuptools = tools.packages.get("wheel"), tools.packages.get("setuptools")
    if wheel in ("0.46.0", "0.46.1") and setuptools is not None and _order(setuptools) < (70, 1):
        yield Evidence(
            subject="wheel", found=f"{wheel} beside setuptools {setuptools}", expected="wheel 0.46.2 or newer"
        )


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
