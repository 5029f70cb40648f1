"""Which files imports would find: installed packages and the standard library, or something in front of them."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.distributions import RecordRow, find_distributions, read_record, site_directories
from envcheck.places import in_environment

PYTHON = "python"
"""Stands for the owner of the standard library's modules."""


class Source(StrEnum):
    """Why a directory is on the search path."""

    STANDARD_LIBRARY = "standard library"
    PACKAGES = "packages"
    USER_SITE = "user site"
    PYTHONPATH = "PYTHONPATH"
    ADDED = "added"
    """By a `.pth` file or by code at start-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathEntry:
    """A directory or archive that imports look into, in order."""

    path: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """A module of `package` that an import finds elsewhere, or not at all."""

    module: str
    package: str
    found: str | None
    working_directory: bool = False
    """Only where the working directory comes first, as it does for `python -m` and `python -c`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowing(Fact):
    """The search path, and every top-level module that does not resolve to the file its owner installed."""

    key: ClassVar[str] = "shadowing"

    path: tuple[PathEntry, ...]
    modules: int
    """How many top-level modules were resolved."""
    shadows: tuple[Shadow, ...]

    @classmethod
    def observe(cls) -> Self:
        """Resolve, without importing, every module that an installed RECORD or the standard library provides."""
        owners, owned = _installed_modules()
        modules = {**dict.fromkeys(_standard_modules(), PYTHON), **owners}
        return cls(
            path=tuple(PathEntry(path=in_environment(entry), source=_source(entry)) for entry in sys.path),
            modules=len(modules),
            shadows=(*_shadows(modules, owned), *_shadows_in(_real(os.curdir), modules, owned)),
        )


def _installed_modules() -> tuple[dict[str, str], set[str]]:
    """The owner of each importable top-level name, and every file that some RECORD lists at most a folder deep.

    A package on `PYTHONPATH` that has a RECORD of its own owns nothing here: it lies in front of the environment.
    """
    owners: dict[str, str] = {}
    owned: set[str] = set()
    for distribution in find_distributions(site_directories()):
        rows = read_record(distribution) or ()
        owners.update(dict.fromkeys(_top_level_names(rows), distribution.name))
        owned.update(f"{distribution.root}/{row.path}" for row in rows if row.path.count("/") <= 1)
    return owners, owned


def _top_level_names(rows: Iterable[RecordRow]) -> set[str]:
    """`a` for `a/b.py`, `a.py` and `a.cpython-311-x86_64-linux-gnu.so`."""
    tops = {row.path.partition("/")[0] for row in rows if row.path.endswith((".py", ".so"))}
    return {name for top in tops if (name := top.removesuffix(".py").partition(".")[0]).isidentifier()}


def _standard_modules() -> Iterator[str]:
    """Those that come from files, and the two that run at start-up. setuptools replaces distutils on purpose."""
    yield from ("sitecustomize", "usercustomize")
    for name in sys.stdlib_module_names:
        inside = name in sys.builtin_module_names or importlib.machinery.FrozenImporter.find_spec(name) is not None
        if not inside and name != "distutils":
            yield name


def _shadows(modules: Mapping[str, str], owned: set[str]) -> Iterator[Shadow]:
    for module, package in sorted(modules.items()):
        spec = importlib.util.find_spec(module)
        if spec is None and package != PYTHON:  # the standard library lists modules of other systems too
            yield Shadow(module=module, package=package, found=None)
        elif spec is not None and not _belongs(spec, owned):
            yield Shadow(module=module, package=package, found=in_environment(spec.origin or ""))


def _shadows_in(folder: str, modules: Mapping[str, str], owned: set[str]) -> Iterator[Shadow]:
    """What Python would find first in a folder that is not on the path now."""
    if folder in map(_real, sys.path):
        return
    for module, package in sorted(modules.items()):
        spec = importlib.machinery.PathFinder.find_spec(module, [folder])
        if spec is not None and not _belongs(spec, owned):
            found = in_environment(spec.origin or "")
            yield Shadow(module=module, package=package, found=found, working_directory=True)


def _belongs(spec: importlib.machinery.ModuleSpec, owned: set[str]) -> bool:
    """Whether a RECORD lists the file, or it lies where the standard library does.

    A namespace package has no file: a folder without `__init__.py` gives way to any module further down the path.
    """
    if not spec.has_location or spec.origin is None:
        return True
    folder, _, name = spec.origin.rpartition("/")
    root, _, package = folder.rpartition("/") if name == "__init__.py" else (folder, "", "")
    inside = f"{package}/{name}" if package else name
    return f"{_real(root)}/{inside}" in owned or _real(root) in _standard_directories()


@functools.cache
def _standard_directories() -> frozenset[str]:
    folders = [_real(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    return frozenset(folders) | {f"{folder}/lib-dynload" for folder in folders}


@functools.cache
def _real(folder: str) -> str:
    return os.path.realpath(folder)


def _source(entry: str) -> Source:
    path = _real(entry)
    if path in {_real(item) for item in os.environ.get("PYTHONPATH", "").split(os.pathsep) if item}:
        return Source.PYTHONPATH
    if Path(path) in site_directories():
        return Source.PACKAGES
    if path == _real(site.getusersitepackages()):
        return Source.USER_SITE
    archive = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    return Source.STANDARD_LIBRARY if path in _standard_directories() or path.endswith(archive) else Source.ADDED
