"""The code that will run: the digest of both packages' source, and the commit it came from."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact

PACKAGES = ("bgb", "envcheck")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCode(Fact):
    """What Python will import of this project. `commit` is None outside a git checkout."""

    key: ClassVar[str] = "source_code"

    digest: str
    files: int
    commit: str | None
    modified: bool | None

    @classmethod
    def observe(cls) -> Self:
        """Hash every source file; ask git, where there is one, which commit it is."""
        root = Path(__file__).resolve().parents[3]
        files = source_files(root)
        commit = _git(root, "rev-parse", "HEAD")
        status = _git(root, "status", "--porcelain", "--", *PACKAGES) if commit else None
        return cls(
            digest=source_digest(root),
            files=len(files),
            commit=commit,
            modified=None if status is None else bool(status),
        )


def source_files(root: Path) -> list[Path]:
    """Every file of the two packages under `root` that changes what runs."""
    return sorted(
        path
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def source_digest(root: Path) -> str:
    """SHA-256 over names and contents."""
    total = hashlib.sha256()
    for path in source_files(root):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root).as_posix()}\0{content}\0".encode())
    return total.hexdigest()


def _git(root: Path, *arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    answer = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
