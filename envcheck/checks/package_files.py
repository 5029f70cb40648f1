"""The files of the packages are the files that were installed.

An interrupted installation or copy leaves a package whose version is right and whose files are missing or cut short:
`file too short`, an import that fails in the first step. A left-over extension module that no package owns is found
before the module that it was left by.

How to fix: install the damaged packages again, and delete importable files that belong to no package.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPackages
from envcheck.facts.package_files import Damage, DamagedFile, PackageFiles
from envcheck.remedies import reinstall, remove

# virtualenv, and `uv venv` up to 0.7, put these into each environment they make and list them nowhere.
_OF_ENVIRONMENTS = ("_virtualenv.py", "_virtualenv.pth")
_SHOWN = 10


def check(context: Context) -> Finding:
    """Look at what differs between the disk and the RECORDs; sizes only, content is for package_hashes."""
    seen = context.facts[PackageFiles]
    allowed = context.expect[ExpectedPackages].allow_unlisted
    if not seen.files:
        return Finding.unknown("no RECORD lists any file", remedy=reinstall(context))
    harmless = [item for item in seen.damaged if item.path.endswith(_OF_ENVIRONMENTS) or item.package in allowed]
    damaged = [item for item in seen.damaged if item not in harmless]
    unlisted = [name for name in seen.without_record if name not in allowed]
    if not damaged and not unlisted:
        return Finding.passed(f"{seen.files} files have their recorded sizes, and each importable file has an owner")
    return Finding.failed(
        _summary(damaged, unlisted, seen.damaged_count - len(harmless)),
        *(_evidence(item) for item in damaged[:_SHOWN]),
        *(Evidence(subject=name, found="no RECORD", expected="a list of its files") for name in unlisted),
        remedy=_remedy(context, damaged, unlisted),
    )


def _summary(damaged: list[DamagedFile], unlisted: list[str], count: int) -> str:
    if not damaged:
        return f"nothing says which files belong to {', '.join(unlisted)}"
    first = damaged[0]
    owner = f" of {first.package}" if first.package else ""
    more = f", and {count - 1} more" if count > 1 else ""
    return f"{first.path}{owner} is {_words(first)}{more}"


def _words(item: DamagedFile) -> str:
    match item.damage:
        case Damage.RESIZED:
            return f"{item.size} bytes long, recorded {item.recorded_size}"
        case Damage.UNOWNED:
            return "importable and belongs to no package"
        case Damage.MISSING | Damage.UNREADABLE:
            return str(item.damage)


def _evidence(item: DamagedFile) -> Evidence:
    expected = "nothing there" if item.damage is Damage.UNOWNED else f"{item.recorded_size} bytes"
    return Evidence(subject=item.path, found=_words(item), expected=expected)


def _remedy(context: Context, damaged: list[DamagedFile], unlisted: list[str]) -> str:
    stray = [item.path for item in damaged if item.damage is Damage.UNOWNED]
    broken = [*dict.fromkeys([*(item.package for item in damaged if item.package), *unlisted])]
    commands = [remove(context, *stray)] if stray else []
    return " && ".join([*commands, reinstall(context, *broken)] if broken else commands)
