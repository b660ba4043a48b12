"""Episodes that a cue does not tell apart are scored once, and many are summed by codes that are kept wide."""

from __future__ import annotations

import numpy as np
import pytest

from engine import CueInput, Options, Traces, attach
from engine.answer.decision import windows
from engine.answer.posterior import Posterior
from engine.generalisation.closed_form import Generaliser
from engine.memory.columns import Column, sum_all_by_value, sum_by_value
from engine.memory.resolution import tolerance
from tests.engine.worlds import random_cue, random_records, traces_of


def crowded(seed: int) -> tuple[list[dict[str, str]], Traces]:
    """Few records, each many times: kinds of match are far fewer than episodes."""
    records = [record for record in random_records(seed, size=24, missing=0.2) for _ in range(12)]
    return records, traces_of(records)


@pytest.mark.parametrize("seed", range(12))
def test_kinds_are_scored_as_their_episodes_are(seed: int) -> None:
    records, traces = crowded(seed)
    cue = random_cue(records, seed)
    targets = tuple(name for name in traces.columns if name not in cue)
    posterior = Posterior(traces, CueInput(cue), Options(targets), attach(traces))
    by_kind = posterior.generaliser
    if by_kind is None:
        return
    one_by_one = Generaliser(by_kind.fields, traces.size, by_kind.weights, {n: traces.columns[n] for n in targets})
    assert one_by_one._which is None
    if posterior.recollection.kind is not None and len(by_kind.candidates) > 4 * len(posterior.recollection.counts):
        assert by_kind._which is not None
    for target in targets:
        np.testing.assert_allclose(by_kind.episode_scores(target), one_by_one.episode_scores(target), rtol=1e-12)
        found, expected = (each.infer(target, traces.columns[target]) for each in (by_kind, one_by_one))
        np.testing.assert_allclose(found.posterior, expected.posterior, rtol=1e-10)


def test_a_cue_with_a_number_is_scored_by_episodes() -> None:
    traces = Traces()
    records = [{"n": k % 3, "what": f"w{k % 2}", "who": f"p{k % 5}"} for k in range(60)]
    traces.extend(records, [float("nan")] * 60, [None] * 60)
    for cue, is_by_kind in (({"n": 1, "what": "w1"}, False), ({"what": "w1"}, True)):
        posterior = Posterior(traces, CueInput(cue), Options(("who",)), attach(traces))
        assert posterior.generaliser is not None
        assert (posterior.generaliser._which is not None) is is_by_kind


def test_sums_and_windows_are_those_of_the_obvious_way_whatever_comes_and_goes() -> None:
    rng, column = np.random.default_rng(4), Column("amount")
    column.extend([None if n < 0.1 else round(float(n) * 40, 2) for n in rng.random(400)])
    for _ in range(4):
        weights, p = rng.random(column.size), rng.random(column.distinct)
        expected = [sum(weights[column.codes == code]) for code in range(column.distinct)]
        np.testing.assert_allclose(sum_all_by_value(column, weights), expected)
        np.testing.assert_array_equal(sum_all_by_value(column, weights), sum_by_value(column.codes, weights, len(p)))
        near = tolerance(column)
        assert near
        within = np.abs(column.numbers[:, None] - column.numbers) <= near
        np.testing.assert_allclose(windows(column, p), within @ p)
        column.remove(sorted(rng.choice(column.size, size=3, replace=False).tolist()))
        column.append(float(rng.random()) * 40)
