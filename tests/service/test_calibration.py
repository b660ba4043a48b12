"""How far confidences can be trusted, at the boundary of what is enough to tell."""

from __future__ import annotations

import pytest

from engine import Outcome
from recollect.service.calibration import FEW, measure


def judged(count: int) -> list[Outcome]:
    """Answers of confidence 0 to 1, every other one right."""
    return [Outcome("where", "recalled", place / count, place % 2 == 0) for place in range(count)]


def test_as_many_answers_as_are_needed_are_measured_and_one_fewer_are_not() -> None:
    few, enough = measure(judged(FEW - 1), None, 3), measure(judged(FEW), None, 3)
    assert (few.is_fitted, few.n, few.ece, few.bins) == (False, FEW - 1, None, ())
    assert (enough.is_fitted, enough.n, enough.feedback) == (True, FEW, 3)
    assert enough.ece is not None


def test_the_bins_cover_all_answers_and_meet_between_them() -> None:
    told = measure(judged(200), None, 0)
    assert sum(each.n for each in told.bins) == sum(told.distribution) == 200
    assert [each.upper for each in told.bins[:-1]] == [each.lower for each in told.bins[1:]]
    assert (told.bins[0].lower, told.bins[-1].upper) == (0.0, 1.0)
    assert told.ece == pytest.approx(sum(abs(b.confidence - b.accuracy) * b.n for b in told.bins) / 200)
