"""numpy is of the generation that torch was compiled for.

torch before 2.3 is compiled against numpy 1 and states no requirement, so installers put numpy 2 beside it. Then torch
imports with exit status 0, `torch.from_numpy` fails late, and `torch.as_tensor` of float64 silently gives float32
(pytorch/pytorch#135013).

How to fix: install numpy from the lock, and look for the package that moved it.
"""

from __future__ import annotations

from envcheck.core import Context, Evidence, Finding
from envcheck.facts.packages import Packages
from envcheck.facts.torch_build import TorchBuild
from envcheck.remedies import reinstall

_FIRST_FOR_NUMPY_2 = (2, 3)


def check(context: Context) -> Finding:
    """Compare the installed numpy's major version with what this torch was compiled against."""
    torch, numpy = context.facts[TorchBuild], context.facts[Packages].named("numpy")
    found = numpy.version if numpy and numpy.version else "not installed"
    if torch.version is None:
        return Finding.unknown("torch's version is not known", remedy=reinstall(context, "torch"))
    takes_two = tuple(int(part) for part in torch.version.split(".")[:2]) >= _FIRST_FOR_NUMPY_2
    evidence = Evidence(subject="numpy", found=found, expected="1 or 2" if takes_two else "1")
    if found.partition(".")[0] in (("1", "2") if takes_two else ("1",)):
        return Finding.passed(f"numpy {found} beside torch {torch.version}", evidence)
    return Finding.failed(
        f"numpy is {found}, and torch {torch.version} is compiled against numpy {evidence.expected}",
        evidence,
        Evidence(subject="torch", found=torch.version),
        remedy=reinstall(context, "numpy"),
    )
