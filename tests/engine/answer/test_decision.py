"""Which value of a posterior is told."""

from __future__ import annotations

import numpy as np

from engine import CueInput, Options, attach, complete
from engine.answer.decision import decide, likeliest, median, ranked, same_codes, windows
from engine.memory.columns import Column
from engine.memory.resolution import tolerance
from tests.engine.worlds import traces_of

MEASURED = [10.0 * (n + 1) for n in range(9)]  # 10, 20 … 90, none within 2 % of another


def column_of(values: list[float | str]) -> Column:
    return traces_of([{"x": value} for value in values]).columns["x"]


def posterior(**weights: float) -> np.ndarray:
    """P over MEASURED: the weights of some (`at_90=.3`), the rest even."""
    p = np.zeros(len(MEASURED))
    for name, weight in weights.items():
        p[MEASURED.index(float(name.removeprefix("at_")))] = weight
    p[p == 0.0] = (1.0 - p.sum()) / int((p == 0.0).sum())
    return p


def test_a_remembered_number_that_stands_out_is_told() -> None:
    column, p = column_of(MEASURED), posterior(at_90=0.4)
    memory = np.zeros(len(p))
    memory[-1] = 1.0
    assert column.values[decide(column, p, p, 0.4, memory)] == 90.0


def test_a_number_that_stands_out_but_is_no_memory_gives_way_to_the_median() -> None:
    column, p = column_of(MEASURED), posterior(at_90=0.4)
    assert column.values[decide(column, p, p, 0.1, np.full(len(p), 1.0 / len(p)))] == 70.0


def test_a_remembered_number_that_does_not_stand_out_gives_way_to_the_median() -> None:
    column, p = column_of(MEASURED), posterior(at_90=0.2, at_50=0.19)
    memory = np.zeros(len(p))
    memory[-1] = 1.0
    assert column.values[decide(column, p, p, 0.2, memory)] == 50.0


def test_a_recurring_number_that_is_recollected_is_told_as_it_is() -> None:
    column = column_of([1.0, 2.0, 3.0] * 30)
    p = np.array([0.4, 0.25, 0.35])
    assert column.values[decide(column, p, p, 0.9, p)] == 1.0
    assert column.values[decide(column, p, p, 0.1, np.full(3, 1 / 3))] == 2.0


def test_of_anything_but_numbers_the_likeliest_is_told_and_of_equals_the_more_frequent() -> None:
    column = column_of(["alba", "quito", "fjord", "quito"])
    assert (
        column.values[decide(column, np.array([0.2, 0.3, 0.5]), np.array([0.2, 0.3, 0.5]), 0.0, np.zeros(3))] == "fjord"
    )
    assert (
        column.values[decide(column, np.array([0.4, 0.4, 0.2]), np.array([0.4, 0.4, 0.2]), 0.0, np.zeros(3))] == "quito"
    )


def test_a_number_that_is_recalled_comes_back_as_it_was_stored_however_many_lie_close_to_it() -> None:
    rng = np.random.default_rng(5)
    amounts = [round(float(a), 2) for a in rng.gamma(2.0, 60.0, 3000)]
    traces = traces_of([{"order": f"A{n:05d}", "amount": amount} for n, amount in enumerate(amounts)])
    schema = attach(traces)
    for n in range(0, 3000, 97):
        answer = complete(traces, CueInput({"order": f"A{n:05d}"}), Options(("amount",)), schema).fields["amount"]
        assert answer.value == amounts[n]
        assert answer.interval is not None
        assert answer.interval.low == answer.interval.high == amounts[n]


def measured() -> Column:
    """Readings on a grid of steps of one, of which three each count as one another."""
    return column_of([float(n) for n in range(100, 201)])


def test_what_counts_as_an_answer_lies_within_the_tolerance_on_both_sides() -> None:
    column, near = measured(), tolerance(measured())
    assert near == 1.5
    assert [column.values[code] for code in same_codes(column, 20)] == [119.0, 120.0, 121.0]
    p = np.random.default_rng(3).dirichlet(np.ones(101))
    expected = [p[max(0, n - 1) : n + 2].sum() for n in range(101)]
    np.testing.assert_allclose(windows(column, p), expected)


def test_a_value_exactly_as_far_as_the_tolerance_counts() -> None:
    column = column_of([0.0, 1.0, 1000.0, 0.25, 0.75])
    near = tolerance(column)
    assert near is not None
    column = column_of([0.0, near, 1000.0, 0.25, 0.75])
    same = [column.values[code] for code in same_codes(column, 0)]
    assert (near in same) == (near <= float(tolerance(column) or 0.0))


def test_the_median_parts_the_mass_in_halves() -> None:
    column = measured()
    for seed in range(20):
        p = np.random.default_rng(seed).dirichlet(np.ones(101))
        told = median(column, p)
        assert p[:told].sum() <= 0.5 <= p[: told + 1].sum()


def test_a_value_with_most_of_its_windows_mass_is_told_itself() -> None:
    column, p = measured(), np.full(101, 0.4 / 98)
    p[20:23] = 0.15, 0.4, 0.05
    assert likeliest(column, p, windows(column, p)) == 21
    p[20:23] = 0.33, 0.2, 0.07
    assert likeliest(column, p, windows(column, p)) == 20


def test_of_equally_likely_values_the_more_frequent_then_the_later_used_comes_first() -> None:
    column = column_of(["tea", "soup", "soup", "milk", "tea", "rice"])
    told = [column.values[code] for code in ranked(column, np.full(4, 0.25), 4)]
    assert told == ["tea", "soup", "rice", "milk"]
