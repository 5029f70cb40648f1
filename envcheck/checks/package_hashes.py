"""The content of every installed file is what its wheel held.

A file edited in place, for a debugging session or by a patch script, keeps its package's version. A run on top of it
cannot be repeated anywhere else, and where files are linked from a cache every other environment has the edit too.

How to fix: install the packages again.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.expectations import ExpectedPackages
from envcheck.facts.package_hashes import PackageHashes
from envcheck.remedies import reinstall

_SHOWN = 10


def check(context: Context) -> Finding:
    """Look for files whose SHA-256 is not the recorded one."""
    seen = context.facts[PackageHashes]
    allowed = context.expect[ExpectedPackages].allow_unlisted
    if not seen.files:
        return Finding.unknown("no RECORD lists any hash", remedy=reinstall(context))
    modified = [item for item in seen.modified if item.package not in allowed]
    if not modified:
        return Finding.passed(f"{seen.files} files, {seen.bytes / 1e9:.1f} GB, have their recorded SHA-256")
    packages = [*dict.fromkeys(item.package for item in modified)]
    return Finding.failed(
        f"{modified[0].path} of {modified[0].package} was changed after it was installed"
        + (f", and {len(modified) - 1} more" if len(modified) > 1 else ""),
        *(
            Evidence(subject=item.path, found="other content", expected=f"as in {item.package}'s RECORD")
            for item in modified[:_SHOWN]
        ),
        remedy=reinstall(context, *packages),
    )
