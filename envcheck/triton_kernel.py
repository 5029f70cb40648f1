"""A kernel of three lines for Triton to compile, in a file because Triton reads the source of what it compiles.

Import it only where triton is known to be wanted: it needs triton at once.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def doubled(source, target, count, block: tl.constexpr):  # type: ignore[no-untyped-def]
    """Write twice `source` to `target`."""
    place = tl.program_id(0) * block + tl.arange(0, block)
    tl.store(target + place, 2 * tl.load(source + place, mask=place < count), mask=place < count)
