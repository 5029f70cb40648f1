"""What torch's API looked like to the compiler: names that one range of releases alone has tell who built a binary."""

from __future__ import annotations

from collections.abc import Sequence

BUILDERS = (
    # Mangled fragments, the newest first, read from the libraries of each release.
    ("9SetDeviceEab", "a torch newer than 2.7"),
    ("9SetDeviceEa", "torch 2.3 to 2.7"),
    ("9SetDeviceEi", "torch 2.2 or older"),
    ("NS_7variant", "torch 2.1 or older"),
    ("N3c107variant", "torch 2.1 or older"),
    ("N3c108optional", "torch 2.1 or older"),
)
SINCE_2_2 = ("St8optional", "St7variant")
"""`std::` in place of `c10::`."""


def builder_of(name: str) -> str | None:
    """The releases of torch that have this name."""
    return next((words for fragment, words in BUILDERS if fragment in name), None)


def built_for(names: Sequence[str]) -> str | None:
    """The releases that have all of these names; None: they tell nothing."""
    said = {words for name in names if (words := builder_of(name)) is not None}
    newer = any(fragment in name for fragment in SINCE_2_2 for name in names)
    if newer and said <= {"torch 2.2 or older"}:
        return "torch 2.2" if said else "torch 2.2 or newer"
    return next((words for _, words in reversed(BUILDERS) if words in said), None)


def cxx11_abi(names: Sequence[str]) -> bool | None:
    """`std::string` is `Ss` in mangled names of the old ABI and `std::__cxx11::basic_string` in those of the new."""
    if any("__cxx1112basic_string" in name for name in names):
        return True
    return False if any("RKSs" in name or "ESs" in name for name in names) else None
