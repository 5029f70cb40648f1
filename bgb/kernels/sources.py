"""The lock of upstream sources, and fetching one commit of it."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bgb.errors import ConfigError, KernelBuildFailed

LOCK = Path(__file__).resolve().parents[2] / "images" / "kernels.toml"


class Source(BaseModel):
    """Where one package is compiled from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    repository: str
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    variables: dict[str, str] = {}
    """What its setup.py reads, to compile instead of downloading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelLock:
    """The pinned sources by distribution name, in the order in which they are compiled."""

    path: Path
    sources: dict[str, Source]


def read_kernel_lock(path: Path = LOCK) -> KernelLock:
    """The lock; `ConfigError` names what is wrong with it."""
    try:
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
        sources = TypeAdapter(dict[str, Source]).validate_python(stated)
    except OSError as error:
        raise ConfigError(f"{path}: the lock of kernel sources cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {where}: {first['msg']}, found {first['input']!r}") from error
    if not sources:
        raise ConfigError(f"{path}: names no package, expected one table for each")
    return KernelLock(path=path, sources=sources)


def fetch(source: Source, folder: Path) -> None:
    """Check out exactly this commit into an empty folder; git verifies it against its digest."""
    commands = (
        ("init", "--quiet", "--initial-branch", "pinned"),
        ("fetch", "--quiet", "--depth", "1", source.repository, source.commit),
        ("checkout", "--quiet", "--detach", source.commit),
    )
    folder.mkdir(parents=True)
    for command in commands:
        ended = subprocess.run(["git", *command], cwd=folder, capture_output=True, text=True, errors="replace")
        if ended.returncode != 0:
            lines = ended.stderr.strip().splitlines()
            said = next((line for line in lines if line.startswith(("fatal:", "error:"))), f"status {ended.returncode}")
            raise KernelBuildFailed(
                f"commit {source.commit[:12]} of {source.repository} cannot be fetched: {said}; "
                f"try: git ls-remote {source.repository}"
            )
