"""Real virtual environments with packages installed into them by hand, for facts to look at from inside."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from envcheck.collect import observe_one
from envcheck.core import Entry, Fact, Json, Request, Unseen, decode
from envcheck.runners import Completed, Runner

F = TypeVar("F", bound=Fact)
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment that can import envcheck and, to begin with, has nothing else."""

    prefix: Path
    search: tuple[Path, ...] = ()
    """Folders in front of PYTHONPATH, for an environment that nothing may be installed into."""

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def site(self) -> Path:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.prefix / "lib" / version / "site-packages"

    def install(
        self,
        name: str,
        version: str,
        files: Mapping[str, str | bytes] | None = None,
        *,
        into: Path | None = None,
        direct_url: str | None = None,
    ) -> Path:
        """Lay out a wheel's files as an installer does, RECORD included; gives the `.dist-info`."""
        root = into or self.site
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        files = {f"{name.replace('-', '_')}/__init__.py": ""} if files is None else files
        own = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: of no header\n",
            f"{info}/INSTALLER": "uv\n",
            **({f"{info}/direct_url.json": direct_url} if direct_url is not None else {}),
        }
        rows = [_write(root, path, content) for path, content in {**files, **own}.items()]
        with (root / info / "RECORD").open("w", newline="") as file:
            csv.writer(file).writerows([*rows, (f"{info}/RECORD", "", "")])
        return root / info

    def observe(
        self, fact: type[F], *, variables: Mapping[str, str] | None = None, cwd: Path = ROOT, **parameters: Json
    ) -> F:
        """What a child of this environment's Python sees."""
        entry = self.entry(fact, variables=variables, cwd=cwd, **parameters)
        assert not isinstance(entry.value, Unseen), entry.value.reason
        return decode(fact, entry.value)

    def entry(
        self, fact: type[Fact], *, variables: Mapping[str, str] | None = None, cwd: Path = ROOT, **parameters: Json
    ) -> Entry:
        """The same as it would be stored, also where nothing was seen."""
        return observe_one(Request(fact=fact, parameters=parameters), self.runner(variables=variables, cwd=cwd))

    def runner(self, *, variables: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Runner:
        """Runs observers with this environment's Python, and with no other foreign variables than these."""
        environment = {**_clean_environment(), **(variables or {})}
        searched = [*map(str, self.search), *filter(None, [environment.get("PYTHONPATH")])]
        if searched:
            environment["PYTHONPATH"] = os.pathsep.join(searched)

        def run(argv: Sequence[str], given: bytes, timeout_seconds: float) -> Completed:
            started = time.monotonic()
            ended = subprocess.run(
                [str(self.python), *argv[1:]],
                input=given,
                capture_output=True,
                timeout=timeout_seconds,
                cwd=cwd,
                env=environment,
            )
            seconds = time.monotonic() - started
            return Completed(returncode=ended.returncode, stdout=ended.stdout, stderr=ended.stderr, seconds=seconds)

        return run


def make_environment(prefix: Path, *, system_site_packages: bool = False) -> Environment:
    """A new virtual environment with envcheck installed as an editable project is."""
    venv.create(prefix, symlinks=True, system_site_packages=system_site_packages)
    environment = Environment(prefix=prefix)
    environment.install("envcheck", "0.1.0", {"_editable_envcheck.pth": f"{ROOT}\n"})
    return environment


def _clean_environment() -> dict[str, str]:
    foreign = ("PYTHON", "LD_LIBRARY_PATH", "CUDA_", "FAKE_")
    building = {"CC", "CXX", "MAX_JOBS", "NVCC_THREADS"}
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign) and name not in building}


def _write(root: Path, path: str, content: str | bytes) -> tuple[str, str, int]:
    data = content.encode() if isinstance(content, str) else content
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return path, f"sha256={digest}", len(data)
