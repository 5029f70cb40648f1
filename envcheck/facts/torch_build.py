"""Which build of torch is installed, read from its files; importing it takes seconds and may crash."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from envcheck.core import Fact
from envcheck.distributions import find_distributions

# c10::detail::torchCheckFail(char const*, char const*, unsigned, std::string const&), once with each std::string.
_OLD_STRING = b"torchCheckFailEPKcS2_jRKSs"
_NEW_STRING = b"torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_string"


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBuild(Fact):
    """What `torch/version.py` states, beside what the metadata and the libraries say."""

    key: ClassVar[str] = "torch_build"

    installed: bool
    version: str | None = None
    """With the build, as `2.2.2+cu121`. The wheel on PyPI leaves the build out of its metadata."""
    cuda: str | None = None
    """The CUDA it is compiled for; None: without CUDA."""
    git_version: str | None = None
    debug: bool | None = None
    hip: str | None = None
    metadata_version: str | None = None
    cuda_library: bool = False
    """Whether `libtorch_cuda.so` is there."""
    cxx11_abi: bool | None = None
    """Which `std::string` its libraries take; extensions must be compiled for the same."""
    problem: str | None = None
    """Why `version.py` says nothing."""

    @classmethod
    def observe(cls) -> Self:
        """Find torch as an import would, and read."""
        spec = importlib.util.find_spec("torch")
        if spec is None:
            return cls(installed=False)
        if spec.origin is None:
            return cls(installed=False, problem="torch is a folder without __init__.py")
        metadata = next((found.version for found in find_distributions() if found.name == "torch"), None)
        return cls.read(Path(spec.origin).parent, metadata_version=metadata)

    @classmethod
    def read(cls, folder: Path, *, metadata_version: str | None) -> Self:
        """The build that lies in `folder`."""
        try:
            stated = _constants((folder / "version.py").read_text(encoding="utf-8"))
            problem = None if stated.get("__version__") else "version.py states no __version__"
        except (OSError, SyntaxError, ValueError) as error:
            stated, problem = {}, f"version.py cannot be read: {type(error).__name__}"
        debug = stated.get("debug")
        return cls(
            installed=True,
            version=_text(stated, "__version__"),
            cuda=_text(stated, "cuda"),
            git_version=_text(stated, "git_version"),
            debug=debug if isinstance(debug, bool) else None,
            hip=_text(stated, "hip"),
            metadata_version=metadata_version,
            cuda_library=(folder / "lib" / "libtorch_cuda.so").is_file(),
            cxx11_abi=_cxx11_abi(folder / "lib" / "libc10.so"),
            problem=problem,
        )


def _constants(source: str) -> Mapping[str, object]:
    """Every `name = constant` at the top of a module; the last one counts, as it would when running it."""
    found: dict[str, object] = {}
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                found[name] = value
    return found


def _text(stated: Mapping[str, object], name: str) -> str | None:
    value = stated.get(name)
    return value if isinstance(value, str) else None


def _cxx11_abi(library: Path) -> bool | None:
    """`std::string` is `Ss` in mangled names of the old ABI and `std::__cxx11::basic_string` in those of the new."""
    try:
        content = library.read_bytes()
    except OSError:
        return None
    old, new = _OLD_STRING in content, _NEW_STRING in content
    return new if old != new else None
