"""Each package is installed once.

With two copies of one package on the search path, its metadata tells about the first, and imports may run the other:
the version that every tool reports is then not the one that runs. A second copy comes from `--target`, `PYTHONPATH`,
the user's own site-packages, or an installation that was interrupted.

How to fix: remove the copies and install the lock's one again.
"""

from __future__ import annotations

from collections import Counter

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPackages
from envcheck.facts.packages import Packages
from envcheck.remedies import reinstall, remove


def check(context: Context) -> Finding:
    """Look for two distributions of one name."""
    packages = context.facts[Packages].packages
    allowed = context.expect[ExpectedPackages].allow_unlisted
    times = Counter(package.name for package in packages if package.name not in allowed)
    if not times:
        return Finding.unknown("no packages are installed", remedy=reinstall(context))
    twice = [name for name, count in times.items() if count > 1]
    if not twice:
        return Finding.passed(f"{len(times)} packages, each once")
    copies = {name: [package for package in packages if package.name == name] for name in twice}
    evidence = (
        Evidence(subject=name, found=f"{copy.version or 'no version'} at {copy.location}", expected="one copy")
        for name in twice
        for copy in copies[name]
    )
    # the search path has the environment's own packages last
    surplus = [copy.location for name in twice for copy in copies[name][:-1]]
    return Finding.failed(
        f"installed more than once: {', '.join(twice)}",
        *evidence,
        remedy=f"{remove(context, *surplus)} && {reinstall(context, *twice)}",
    )
