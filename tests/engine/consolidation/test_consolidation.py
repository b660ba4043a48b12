"""What consolidation holds against a way to generalise, and which episodes it is asked of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine import Traces
from engine.consolidation.consolidate import _is_clearly_worse, attached_rows
from engine.generalisation.learning import Loss
from engine.memory import holdout
from tests.engine.worlds import random_records

DAY = 86_400.0


def traces(size: int, *, is_timed: bool) -> Traces:
    made = Traces()
    order = np.random.default_rng(0).permutation(size)
    for day, record in zip(order.tolist(), random_records(1, size), strict=True):
        made.append(record, DAY * day if is_timed else math.nan, None)
    return made


@pytest.mark.parametrize("size", [60, 500, 3000])
def test_new_events_come_after_all_that_the_memory_asked_has(size: int) -> None:
    timed = traces(size, is_timed=True)
    apart = holdout.set_apart(timed)
    rest = timed.without(apart)
    assert len(apart) == max(size // 5, min(holdout.REPLAYS, size // 4))
    assert rest.times.max() < timed.times[apart].min()
    assert set(holdout.judging(timed)) <= set(holdout.replays(timed)[0]) <= set(apart)


def test_without_times_only_what_is_asked_is_set_apart() -> None:
    untimed = traces(1000, is_timed=False)
    assert holdout.set_apart(untimed) == holdout.replays(untimed)[0]
    judging = holdout.judging(untimed)
    assert len(judging) == len(set(judging)) == holdout.JUDGING


@pytest.mark.parametrize(
    ("learned", "closed", "is_worse"),
    [
        ({1: 1.0, 2: 1.2, 3: 1.1}, {1: 0.5, 2: 0.6, 3: 0.7}, True),  # on every episode
        ({1: 1.0, 2: 1.2, 3: 0.4}, {1: 0.5, 2: 0.6, 3: 0.9}, False),  # on the whole, but by less than the error
        ({1: 0.5, 2: 0.6, 3: 0.7}, {1: 1.0, 2: 1.2, 3: 1.1}, False),
        ({1: 0.5, 2: 9.0}, {3: 1.0, 4: 1.2}, True),  # of other episodes: by the mean
        ({1: 0.5, 2: 0.6}, {}, False),  # nothing to compare with
    ],
)
def test_the_closed_form_must_be_clearly_better(
    learned: dict[int, float], closed: dict[int, float], is_worse: bool
) -> None:
    told = [{row: Loss(0.0, score) for row, score in own.items()} for own in (learned, closed)]
    assert _is_clearly_worse(*told) is is_worse


def test_a_head_is_put_to_use_anew_with_every_twentieth_that_a_space_has_grown() -> None:
    steps = [attached_rows(100, size) for size in range(100, 130)]
    assert attached_rows(100, 60) == 60
    assert sorted(set(steps)) == [100, 106, 112, 118, 124]
    assert [attached_rows(100, size) for size in (105, 106, 111, 112)] == [100, 106, 106, 112]
