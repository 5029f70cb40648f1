"""From a network and a recording to the probability of seizure at each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bgb.data.recording import CHANNELS
from bgb.data.windows import WindowSpec, window_starts

PRECISIONS: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class WindowSource(Protocol):
    """Where windows come from: a cached recording."""

    def read_window(self, start: int, out: NDArray[np.int16]) -> object:
        """Fill `out` (19, samples) from sample `start` on, with zeros after the end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictor:
    """A network, and how windows reach it."""

    detector: nn.Module
    """(batch, 19, samples) in sigmas to logits (batch, samples)."""
    spec: WindowSpec
    scale: float
    """Sigmas that one step of int16 stands for."""
    batch_size: int
    device: Literal["cpu", "cuda"]
    precision: Literal["fp32", "bf16", "fp16"]

    def predict(
        self, source: WindowSource, samples: int, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """(samples,) probability at each sample of a recording that has `samples`, whatever its length.

        Holds one batch and six bytes a sample: 133 MB for 24 h. `progress` is told windows done and windows in all
        after each batch. The network is put into evaluation mode.
        """
        self.detector.eval()
        return stitch(self._windows(source, samples, progress), samples)

    def _windows(
        self, source: WindowSource, samples: int, progress: Callable[[int, int], None] | None
    ) -> Iterator[tuple[int, NDArray[np.float32]]]:
        starts = window_starts(samples, self.spec).tolist()
        batch = np.empty((self.batch_size, len(CHANNELS), self.spec.window_samples), np.int16)
        for first in range(0, len(starts), self.batch_size):
            chosen = starts[first : first + self.batch_size]
            for row, start in enumerate(chosen):
                source.read_window(start, batch[row])
            yield from zip(chosen, self._probability(batch[: len(chosen)]), strict=True)
            if progress is not None:
                progress(first + len(chosen), len(starts))

    @torch.inference_mode()
    def _probability(self, windows: NDArray[np.int16]) -> NDArray[np.float32]:
        signal = torch.from_numpy(windows).to(self.device).to(torch.float32).mul_(self.scale)
        dtype = PRECISIONS[self.precision]
        with torch.autocast(self.device, dtype, enabled=dtype is not torch.float32):
            logits: Tensor = self.detector(signal)
        probability: NDArray[np.float32] = logits.float().sigmoid().cpu().numpy()
        return probability


def stitch(windows: Iterable[tuple[int, NDArray[np.float32]]], samples: int) -> NDArray[np.float32]:
    """(samples,) the mean over all windows, given as first sample and values, that reach each sample.

    Windows count alike, and at any place within them: the network sees all of a window at once. What a window holds
    after the end of the recording is padding and is left out.
    """
    total = np.zeros(samples, np.float32)
    count = np.zeros(samples, np.uint16)
    for start, values in windows:
        total[start : start + len(values)] += values[: samples - start]
        count[start : start + len(values)] += 1
    return np.divide(total, count, out=total)
