"""What the protocols that judge single parts compute by themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.evaluation.drifting import exchanged
from bench.evaluation.gate import balanced, log_loss
from bench.evaluation.measures import paired, with_error
from bench.evaluation.refusing import GROUNDS, NO_DOUBT, WHOLE, _without_each
from engine.answer import abstention


def test_the_loss_of_some_cues_is_their_weighted_mean_in_nats() -> None:
    stored, weight = np.array([True, False, True]), np.array([1.0, 3.0, 5.0])
    told = log_loss(np.array([0.5, 0.75, 0.1]), stored, weight, np.array([True, True, False]))
    assert told == pytest.approx((math.log(2.0) + 3.0 * math.log(4.0)) / 4.0)


def test_every_set_and_both_of_its_kinds_count_alike() -> None:
    sets, stored = np.array(["a"] * 10 + ["b"] * 4), np.array([True] * 9 + [False] + [True] + [False] * 3)
    weight = balanced(sets, stored)
    sums = [weight[(sets == name) & (stored == kind)].sum() for name in "ab" for kind in (True, False)]
    assert sums == pytest.approx([14 / 4] * 4)


def test_a_change_is_paired_and_its_error_is_that_of_the_differences() -> None:
    base, each = np.array([1.0, 5.0, 9.0]), np.array([2.0, 6.0, 10.0])
    assert paired(each, base) == [6.0, 1.0, 0.0]
    assert with_error(each - base) == "+1.000 ± 0.000"
    assert math.isnan(paired(each[:0], base[:0])[0] or 0.0)


def test_in_a_changed_world_each_value_of_a_field_stands_for_another_one_everywhere() -> None:
    rng = np.random.default_rng(5)
    events = [{f"f{j}": f"v{rng.integers(4)}" for j in range(5)} for _ in range(80)]
    changed = exchanged(events)
    fields = [name for name in events[0] if any(a[name] != b[name] for a, b in zip(events, changed, strict=True))]
    assert len(fields) == 3
    for name in fields:
        stands_for = {(a[name], b[name]) for a, b in zip(events, changed, strict=True)}
        assert len(stands_for) == len({a[name] for a in events})
        assert all(before != after for before, after in stands_for)


def test_a_cue_refused_on_one_ground_is_answered_without_that_ground_alone() -> None:
    beyond = dict.fromkeys(GROUNDS, 50.0)
    incoherent = {"match": 0.1, **beyond, "coherence_nats": abstention.COHERENT_NATS - 1.0}
    found = _without_each([incoherent], 0.9)
    assert found == {WHOLE: True, NO_DOUBT: False, **{g: g != "coherence_nats" for g in GROUNDS}}
    assert not any(_without_each([], 0.9).values())
    assert all(_without_each([], 0.4).values())
