"""What is not known: the value of information against a double loop, and when a cue should not be answered."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, attach, complete
from engine.abstention import Doubt, value_of_information
from tests.engine import oracle
from tests.engine.worlds import traces_of


@pytest.mark.parametrize("seed", range(60))
def test_the_value_of_information_is_that_of_a_double_loop_and_never_negative(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, met, wanted = int(rng.integers(5, 60)), int(rng.integers(1, 6)), int(rng.integers(1, 5))
    known_m = rng.dirichlet(np.ones(met + 3)) * 0.9  # three values that no candidate has, and a share for new ones
    wanted_m = rng.dirichlet(np.ones(wanted)) * 0.9
    known = rng.integers(-1, met, size).astype(np.int32)
    answers = rng.integers(-1, wanted, size).astype(np.int32)
    known[:wanted], answers[:wanted] = 0, np.arange(wanted)  # every answer occurs
    weights = rng.exponential(size=size)
    before, after = value_of_information(known, answers, weights, known_m, wanted_m)
    episodes = [
        (f"v{v}", f"y{y}", float(w)) for v, y, w in zip(known, answers, weights, strict=True) if v >= 0 and y >= 0
    ]
    expected = oracle.value_of_information(
        episodes,
        {f"v{i}": float(m) for i, m in enumerate(known_m)},
        {f"y{i}": float(m) for i, m in enumerate(wanted_m)},
    )
    assert after - before >= 0.0
    assert after - before == pytest.approx(expected, abs=1e-12)


def test_a_field_that_decides_the_answer_is_worth_all_that_is_missing_and_an_independent_one_nothing() -> None:
    answers = np.arange(4, dtype=np.int32).repeat(4)
    independent = np.tile(np.arange(4, dtype=np.int32), 4)
    even = np.full(4, 0.25)
    before, after = value_of_information(answers, answers, np.ones(16), even, even)
    assert (before, after) == (pytest.approx(0.25), pytest.approx(0.9 + 0.1 * 0.25))
    before, after = value_of_information(independent, answers, np.ones(16), even, even)
    assert after == pytest.approx(before)


def test_a_misspelt_cue_of_a_stored_event_is_answered_and_an_empty_one_is_not() -> None:
    records = [{"what": f"{w}ing", "where": f"place {w}"} for w in ("runn", "swimm", "cook", "paint", "read") * 12]
    traces = traces_of(records)

    def doubt(cue: dict[str, str]) -> Doubt | None:
        return complete(traces, CueInput(cue), Options(("where",)), attach(traces)).fields["where"].doubt

    assert doubt({"what": "swiming"}) is None
    empty = doubt({})
    assert empty is not None
    assert empty.reason == "uninformed"
