"""The generalisation head and its pieces against plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, Schema, attach, complete
from engine.answer.posterior import Posterior
from engine.generalisation.candidates import top_rows
from engine.generalisation.closed_form import _best_holders
from engine.memory.columns import Column
from tests.engine import oracle
from tests.engine.worlds import NAMES, random_cue, random_records, random_weights, traces_of

SEEDS = range(40)


@pytest.mark.parametrize("size", [10, 5_000, 60_001])
@pytest.mark.parametrize("count", [1, 100, 512, 4096])
@pytest.mark.parametrize("levels", [0, 2, 100])
def test_the_top_rows_are_those_of_a_full_sort_with_later_rows_first_at_a_tie(
    size: int, count: int, levels: int
) -> None:
    scores = np.random.default_rng(size + levels).normal(size=size)
    if levels:
        scores = np.round(scores * levels) / levels
    expected = np.sort(np.lexsort((np.arange(size), scores))[-count:])
    np.testing.assert_array_equal(top_rows(scores, count), expected)


@pytest.mark.parametrize("levels", [1, 3, 40])
@pytest.mark.parametrize("lacking", [0.0, 0.3])
@pytest.mark.parametrize("count", [1, 300, 900])
def test_the_best_holders_of_one_field_are_the_top_rows_of_its_scores(levels: int, lacking: float, count: int) -> None:
    rng = np.random.default_rng(levels)
    column = Column("f")
    column.extend([None if rng.random() < lacking else f"value {rng.integers(40)}" for _ in range(1000)])
    table = rng.integers(levels, size=column.distinct + 1).astype(np.float32)
    np.testing.assert_array_equal(_best_holders(table, column, count), top_rows(table[column.codes], count))


@pytest.mark.parametrize("seed", SEEDS)
def test_both_heads_and_their_mix_are_those_of_the_oracle(seed: int) -> None:
    records, weights = random_records(seed), random_weights(seed)
    cue = random_cue(records, seed)
    traces = traces_of(records)
    targets = tuple(name for name in traces.columns if name not in cue)
    posterior = Posterior(traces, CueInput(cue), Options(targets), Schema(weights))
    for target in targets:
        values = traces.columns[target].values
        general = oracle.generalised_values(records, cue, target, weights)
        mixed = oracle.posterior(records, cue, target, weights)
        for value, p, q in zip(
            values, posterior.general(target).posterior, posterior.probabilities(target), strict=True
        ):
            assert p == pytest.approx(general[str(value)], abs=1e-5)
            assert q == pytest.approx(mixed[str(value)], abs=2e-3)


@pytest.mark.parametrize("seed", range(8))
def test_a_field_that_has_to_do_with_nothing_changes_no_probability_by_a_hundredth(seed: int) -> None:
    records = random_records(seed, size=400)
    rng = np.random.default_rng(seed)
    with_noise = [{**record, "noise": NAMES[rng.integers(len(NAMES))]} for record in records]
    cue = {name: value for name, value in random_cue(records, seed).items() if name != "f0"} or {"f1": NAMES[0]}
    without, unasked, asked = (
        Posterior(traces, CueInput(given), Options(("f0",)), attach(traces))
        for traces, given in (
            (traces_of(records), cue),
            (traces_of(with_noise), cue),
            (traces_of(with_noise), {**cue, "noise": NAMES[seed]}),
        )
    )
    np.testing.assert_allclose(without.probabilities("f0"), unasked.probabilities("f0"), atol=1e-2)
    # With its noise the cue means the events that had that noise; but what events like it go with stays.
    np.testing.assert_allclose(without.general("f0").posterior, asked.general("f0").posterior, atol=1e-2)


def test_the_id_of_an_event_that_is_not_stored_is_never_claimed_however_alike_the_events() -> None:
    records = [
        {"id": f"no {n}", "name": f"name {n % 40}", "street": f"street {n % 60}", "town": f"town {n % 60 // 6}"}
        for n in range(240)
    ]
    traces = traces_of(records)
    own = {k: v for k, v in records[7].items() if k != "id"}
    stored = complete(traces, CueInput(own), Options(("id",)), attach(traces))
    other = {"name": "name 3", "street": "street 55", "town": "town 2"}
    mixed = complete(traces, CueInput(other), Options(("id",)), attach(traces))
    assert stored.fields["id"].confidence > 0.2  # one of the few who share all three
    assert mixed.match < 0.5
    assert mixed.fields["id"].confidence < 0.05
