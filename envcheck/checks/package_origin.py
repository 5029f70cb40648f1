"""Every package came from where the lock's hashes were checked.

A version says nothing about where a package was taken from. An editable installation runs whatever its checkout holds
today, a version-control or local one was never compared with a hash, and each reports the version that was pinned.

How to fix: install the package from the lock. The project itself is exempt by `allow_unlisted` of the policy.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPackages
from envcheck.facts.packages import Origin, Package, Packages
from envcheck.remedies import reinstall

_FOUND = {
    Origin.EDITABLE: "an editable checkout",
    Origin.DIRECTORY: "a local folder",
    Origin.VCS: "version control",
    Origin.ARCHIVE: "a single file",
    Origin.UNREADABLE: "an unreadable direct_url.json",
}


def check(context: Context) -> Finding:
    """Look at the origin that the installer recorded (direct_url.json)."""
    packages = context.facts[Packages].packages
    allowed = context.expect[ExpectedPackages].allow_unlisted
    judged = [package for package in packages if package.name not in allowed]
    if not judged:
        return Finding.unknown("no packages are installed", remedy=reinstall(context))
    foreign = [package for package in judged if package.origin is not Origin.INDEX]
    if not foreign:
        return Finding.passed(f"{len(judged)} packages came from an index")
    return Finding.failed(
        f"{foreign[0].name} was installed from {_FOUND[foreign[0].origin]}"
        + (f", and {len(foreign) - 1} more from elsewhere than an index" if foreign[1:] else ""),
        *(Evidence(subject=package.name, found=_words(package), expected="an index, by hash") for package in foreign),
        remedy=reinstall(context, *(package.name for package in foreign)),
    )


def _words(package: Package) -> str:
    return f"{_FOUND[package.origin]}: {package.url}" if package.url else _FOUND[package.origin]
