"""The splits of TUSZ, by the names of their folders."""

from __future__ import annotations

from typing import Literal

Split = Literal["train", "dev", "eval"]
SPLITS: tuple[Split, ...] = ("train", "dev", "eval")
