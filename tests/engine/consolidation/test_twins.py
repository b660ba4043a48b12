"""Pairs of episodes that tell of one event, found without labels."""

from __future__ import annotations

import numpy as np

from engine import Traces, chained, twins
from engine.memory.values import Value
from tests.engine.worlds import traces_of

GIVEN = ("mara", "jonas", "ines", "tobias", "lena", "aron", "ruth", "elias")
FAMILY = ("keller", "brunner", "weiss", "imhof", "steiner", "vogel", "zaugg", "lerch", "moser", "frei")
TOWNS = (("8001", "zurich"), ("3011", "bern"), ("4051", "basel"), ("6003", "lucerne"))


def people(seed: int, count: int) -> list[dict[str, Value]]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        zip_code, town = TOWNS[int(rng.integers(4))]
        found.append(
            {
                "given": GIVEN[int(rng.integers(8))],
                "family": FAMILY[int(rng.integers(10))],
                "zip": zip_code,
                "town": town,
                "born": int(rng.integers(1950, 2000)),
                "street": f"street {int(rng.integers(60))}",
                "phone": int(rng.integers(10_000, 99_999)),
            }
        )
    return found


def told_twice(seed: int, count: int, again: int) -> tuple[Traces, set[tuple[int, int]]]:
    """People, some of them once more with one field mistyped or another."""
    rng = np.random.default_rng(seed)
    told = people(seed, count)
    true = set()
    for row in rng.choice(count, again, replace=False).tolist():
        twin = dict(told[row])
        name = str(rng.choice(["family", "street", "born"]))
        twin[name] = f"{str(twin[name])[:-1]}x" if name == "family" else people(seed + row, 1)[0][name]
        true.add((row, len(told)))
        told.append(twin)
    return traces_of(told), true


def test_what_was_told_twice_is_found_and_little_else() -> None:
    traces, true = told_twice(1, 400, 60)
    found = {pair.rows for pair in twins(traces, 0.5, 10_000)}
    assert len(found & true) > 0.9 * len(true)
    assert len(found & true) > 0.9 * len(found)


def test_the_probabilities_are_as_often_true_as_they_say() -> None:
    said, true_of_them = 0.0, 0
    for seed in range(4):
        traces, true = told_twice(seed, 300, 40)
        pairs = twins(traces, 0.05, 10_000)
        said += sum(pair.probability for pair in pairs)
        true_of_them += sum(pair.rows in true for pair in pairs)
    assert abs(said - true_of_them) < 0.15 * true_of_them


def test_what_they_say_differently_is_named() -> None:
    traces, true = told_twice(2, 200, 20)
    for pair in twins(traces, 0.5, 1000):
        first, second = (traces.fields(row) for row in pair.rows)
        assert set(pair.differ_in) == {name for name in first if first[name] != second[name]}
    assert true


def test_habits_are_no_twins() -> None:
    """Fields that follow from each other agree together without telling of one event."""
    rng = np.random.default_rng(3)
    meals = [("breakfast", "kitchen", "toast"), ("lunch", "canteen", "soup"), ("dinner", "terrace", "fish")]
    told: list[dict[str, Value]] = []
    for _ in range(120):
        what, where, food = meals[int(rng.integers(3))]
        told.append({"what": what, "where": where, "food": food, "minutes": int(rng.integers(10, 300))})
    assert not twins(traces_of(told), 0.5, 100)


def test_an_empty_memory_has_none_and_groups_hang_together() -> None:
    assert twins(Traces(), 0.5, 10) == []
    assert chained([(1, 2), (5, 6), (2, 4)]) == [(1, 2, 4), (5, 6)]
