from __future__ import annotations

import numpy as np

from bgb.data.recording import Interval
from bgb.evaluate.moments import Moment, choose_moments, find_moments

RATE = 8


def interval(start: float, stop: float) -> Interval:
    return Interval(start_seconds=start, stop_seconds=stop)


def moment(mean: float, *, is_seizure: bool = True) -> Moment:
    return Moment(key="k", interval=interval(0, 1), is_seizure=is_seizure, detected=mean > 0.5, mean_probability=mean)


def test_seizures_and_false_alarms_are_told_apart_by_the_rules_that_score_them() -> None:
    probability = np.full(1000 * RATE, 0.1, np.float32)
    probability[100 * RATE : 150 * RATE] = 0.8
    truth = (interval(100, 150), interval(600, 650))
    near, far = interval(155, 160), interval(800, 810)
    found = find_moments("k", probability, RATE, truth, (near, far))
    assert [(item.interval, item.is_seizure, item.detected) for item in found] == [
        (truth[0], True, True),
        (truth[1], True, False),
        (far, False, True),
    ]
    assert np.isclose(found[0].mean_probability, 0.8)


def test_a_label_after_the_end_of_the_signal_is_nothing_to_look_at() -> None:
    assert find_moments("k", np.ones(10 * RATE, np.float32), RATE, (interval(10, 10.5),), ()) == ()


def test_the_best_the_worst_another_and_the_surest_alarm_are_chosen() -> None:
    seizures = [moment(mean) for mean in (0.3, 0.9, 0.1, 0.5)]
    alarms = [moment(mean, is_seizure=False) for mean in (0.6, 0.7)]
    chosen = list(choose_moments([*seizures, *alarms], seed=0).values())
    assert [item.mean_probability for item in (chosen[0], chosen[1], chosen[3])] == [0.9, 0.1, 0.7]
    assert chosen[2].mean_probability in {0.3, 0.5}


def test_no_moment_is_chosen_twice() -> None:
    assert len(choose_moments([moment(0.4)], seed=0)) == 1
    assert len(choose_moments([moment(0.4), moment(0.5)], seed=0)) == 2
    assert choose_moments([], seed=0) == {}
