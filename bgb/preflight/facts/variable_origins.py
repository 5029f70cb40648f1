"""Where each variable of a run came from: the process that set it, and the files that name it.

Linux shows the environment that a process was *started* with in `/proc/PID/environ`. So the topmost ancestor that has a
variable was given it by its parent: on a command line, or by an export after the parent itself had started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from bgb.environment import home, relevant
from envcheck.core import Fact

STARTUP_FILES = (
    ".bash_login",
    ".bash_profile",
    ".bashrc",
    ".config/fish/config.fish",
    ".pam_environment",
    ".profile",
    ".zlogin",
    ".zprofile",
    ".zshenv",
    ".zshrc",
)
STARTUP_FOLDERS = (".config/environment.d", ".config/fish/conf.d")
SYSTEM_FILES = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshenv", "/etc/zsh/zshrc")
SYSTEM_FOLDERS = ("/etc/profile.d", "/etc/environment.d")
PROJECT_FILES = (".env", ".env.local", ".envrc")
MAX_FILE_BYTES = 1 << 20
SHELLS = {"bash", "dash", "fish", "ksh", "sh", "zsh"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one variable came from, as sentences, the process first."""

    name: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableOrigins(Fact):
    """The origin of every variable that can change a run. Names and places only, never a value."""

    key: ClassVar[str] = "variable_origins"

    origins: tuple[Origin, ...]

    def of(self, name: str) -> str:
        """One variable's origin as one phrase."""
        found = next((origin for origin in self.origins if origin.name == name), None)
        return ", ".join(found.sources) if found and found.sources else "origin unknown"

    @classmethod
    def observe(cls, directory: str, provided: Mapping[str, Sequence[str]] | None = None) -> Self:
        """Climb from the process that started this one; read start-up files, and `.env` files above `directory`.

        `provided` gives the names that each thing around a container is known to bring, as
        `{"the Modal Secret wandb": ["WANDB_API_KEY"]}`.
        """
        names = tuple(relevant())
        chain = tuple(_ancestors(os.getpid()))
        mentions = _mentions(names, Path(directory)) if names else {}

        def sources(name: str) -> tuple[str, ...]:
            brought = tuple(f"brought by {who}" for who, brings in (provided or {}).items() if name in brings)
            return (*(brought or (_process_source(name, chain),)), *mentions.get(name, ()))

        return cls(origins=tuple(Origin(name=name, sources=sources(name)) for name in names))


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process as the kernel shows it. `names` is None where its environment may not be read."""

    pid: int
    command: str
    names: frozenset[str] | None


def _ancestors(pid: int) -> Iterator[Process]:
    """This process and those above it, nearest first."""
    while pid > 0:
        status = _read(Path(f"/proc/{pid}/stat"))
        if not status:
            return
        command = status[status.find("(") + 1 : status.rfind(")")]
        environ = _read(Path(f"/proc/{pid}/environ"))
        names = None if environ is None else frozenset(item.partition("=")[0] for item in environ.split("\0") if item)
        yield Process(pid=pid, command=command, names=names)
        pid = int(status[status.rfind(")") + 2 :].split()[1])


def _process_source(name: str, chain: tuple[Process, ...]) -> str:
    """Say who set a variable, from the processes that were started with it."""
    holders = 0
    for process in chain:
        if process.names is None or name not in process.names:
            break
        holders += 1
    if holders == len(chain):
        return "in the environment of the container or machine from its start"
    setter = chain[holders]
    if setter.names is None:
        return f"inherited; the environment of process {setter.pid} `{setter.command}` may not be read"
    if setter.pid == 1:
        return "set by the container's or machine's first process"
    if setter.command in SHELLS:
        return f"inherited from the shell (process {setter.pid} `{setter.command}`)"
    return f"set inside process {setter.pid} `{setter.command}` after it started, or passed by it"


def _mentions(names: tuple[str, ...], directory: Path) -> dict[str, tuple[str, ...]]:
    """The lines of start-up and `.env` files that name each variable."""
    found: dict[str, tuple[str, ...]] = {}
    for path, what in _files(directory):
        text = _read(path)
        for number, line in enumerate((text or "").splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            for name in names:
                if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", line):
                    found[name] = (*found.get(name, ()), f"also named in {what} {_shown(path)}, line {number}")
    return found


def _files(directory: Path) -> Iterator[tuple[Path, str]]:
    for name in STARTUP_FILES:
        yield home() / name, "the start-up file"
    for name in SYSTEM_FILES:
        yield Path(name), "the start-up file"
    for folder in (*(home() / name for name in STARTUP_FOLDERS), *map(Path, SYSTEM_FOLDERS)):
        yield from ((path, "the start-up file") for path in sorted(folder.glob("*")))
    for parent in (directory, *directory.parents):
        yield from ((parent / name, "the file") for name in PROJECT_FILES)


def _read(path: Path) -> str | None:
    """The text of a small file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES).decode(errors="replace")
    except OSError:
        return None


def _shown(path: Path) -> str:
    return f"~/{path.relative_to(home())}" if path.is_relative_to(home()) else str(path)
