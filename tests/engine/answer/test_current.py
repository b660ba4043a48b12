"""The current value: read by hand from episodes in a row."""

from __future__ import annotations

import math

import numpy as np

from engine import Traces, current


def memory(*told: tuple[str, str, float]) -> Traces:
    traces = Traces()
    for who, where, time in told:
        traces.append({"who": who, "where": where} if where else {"who": who}, time, None)
    return traces


def test_the_latest_of_those_with_all_that_the_cue_says_decides() -> None:
    traces = memory(
        ("a", "x", 3.0), ("b", "z", 9.0), ("a", "y", 5.0), ("a", "y", 4.0), ("a", "", 8.0), ("a", "w", math.nan)
    )
    found = current(traces, {"who": "a"}, "where")
    assert found is not None
    assert (found.value, found.row, found.since, found.in_a_row, found.episodes, found.before) == ("y", 2, 3, 2, 3, "x")
    assert found.confidence == (1 + 0.5) / (2 + 1)  # a: x, y, y; b: alone
    assert current(traces, {}, "where").value == "z"  # type: ignore[union-attr]


def test_nothing_is_told_where_nobody_has_what_the_cue_says() -> None:
    traces = memory(("a", "x", 1.0), ("b", "y", 2.0))
    assert current(traces, {"who": "c"}, "where") is None
    assert current(traces, {"unknown": "a"}, "where") is None
    assert current(memory(("a", "x", math.nan)), {"who": "a"}, "where") is None


def test_what_stays_is_told_from_what_is_each_event_s_own() -> None:
    rng = np.random.default_rng(5)
    people = [(f"p{n % 20}", f"home of p{n % 20}", float(n)) for n in range(400)]
    events = [(f"p{n % 20}", f"place {rng.integers(50)}", float(n)) for n in range(400)]
    lasting, passing = (current(memory(*told), {"who": "p3"}, "where") for told in (people, events))
    assert lasting is not None
    assert passing is not None
    assert lasting.confidence > 0.99
    assert passing.confidence < 0.05
