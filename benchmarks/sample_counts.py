"""How much faster samples are sorted into bins than compared with each threshold in turn, as torchmetrics does.

    python benchmarks/sample_counts.py

Both make the same counts for AUROC over 12 minutes of EEG and run in turns in one process; a line shows the medians
and the median of the per-round ratios. The last line is what scoring one such recording costs in all.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torchmetrics.classification import BinaryAUROC

from bgb.config import EvaluateConfig
from bgb.data.recording import Interval
from bgb.evaluate.metrics import SAMPLE_THRESHOLDS, count_samples, tally_recording

SECONDS, RATE = 720, 256
ROUNDS = 5
SEIZURE = Interval(start_seconds=300, stop_seconds=360)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    label = np.zeros(SECONDS * RATE, np.uint8)
    label[300 * RATE : 360 * RATE] = 1
    log_odds = np.repeat(generator.normal(-2, 1, SECONDS * RATE // 16), 16) + 3 * label
    probability = np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
    metric = BinaryAUROC(thresholds=torch.from_numpy(SAMPLE_THRESHOLDS))
    scores, target = torch.from_numpy(probability), torch.from_numpy(label)

    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs.append(seconds(lambda: metric.update(scores, target)))
        ours.append(seconds(lambda: count_samples(probability, label)))
    ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
    print(f"torchmetrics {statistics.median(theirs) * 1e3:.0f} ms, bins {statistics.median(ours) * 1e3:.1f} ms")
    print(f"median ratio {ratio:.0f}")

    whole = [seconds(lambda: tally_recording(probability, (SEIZURE,), RATE, EvaluateConfig())) for _ in range(ROUNDS)]
    print(f"samples and events at 121 thresholds, in all: {statistics.median(whole) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
