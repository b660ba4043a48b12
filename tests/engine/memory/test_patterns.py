"""Regularities are those that enough episodes show, clearly more often than chance."""

from __future__ import annotations

import pytest

from engine import Pattern, find_patterns, recount
from engine.priors import MIN_LIFT, MIN_SUPPORT
from tests.engine.worlds import traces_of


def world(together: int, apart: int, others: int) -> list[dict[str, str]]:
    """`together` episodes have both, `apart` the one, `others` neither."""
    return (
        [{"where": "kitchen", "what": "tea"}] * together
        + [{"where": "kitchen", "what": "soup"}] * apart
        + [{"where": "garden", "what": "roses"}] * others
    )


def found(records: list[dict[str, str]]) -> list[Pattern]:
    return [p for p in find_patterns(traces_of(records)) if (p.value, p.answer) == ("kitchen", "tea")]


@pytest.mark.parametrize(("support", "is_one"), [(MIN_SUPPORT - 1, False), (MIN_SUPPORT, True)])
def test_so_many_episodes_must_show_it(support: int, is_one: bool) -> None:
    assert bool(found(world(support, 0, 20))) == is_one


def test_it_must_be_so_many_times_likelier_than_by_chance_and_is_counted_as_it_says() -> None:
    assert MIN_LIFT == 2.0
    # 10 of 20 with the value have the answer, 10 of 40 of all: twice as likely.
    [pattern] = found(world(10, 10, 20))
    assert (pattern.support, pattern.confidence, pattern.lift) == (10, 0.5, 2.0)
    assert not found(world(10, 10, 19))


def test_it_is_counted_anew_and_gone_with_its_episodes() -> None:
    [pattern] = found(world(10, 10, 20))
    again = recount(traces_of(world(15, 5, 20)), pattern)
    assert again is not None
    assert (again.support, again.confidence) == (15, 0.75)
    assert recount(traces_of(world(0, 10, 20)), pattern) is None
