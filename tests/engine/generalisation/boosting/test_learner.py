"""Boosted trees: what they read and add up is what the page says, and intervals hold what they say."""

from __future__ import annotations

from functools import cache

import numpy as np

from engine import Learned, Schema, Traces, attach
from engine.answer.completion import complete
from engine.answer.posterior import CueInput, Options
from engine.generalisation.boosting import encoding, trees
from engine.generalisation.boosting.learner import BoostedLearner
from engine.generalisation.boosting.trees import Cases, Forest, grow
from engine.generalisation.features import FeatureSpace, grids_of
from engine.generalisation.learning import Fitted
from engine.memory.values import Value, place

SEED = 20240601
LEARNER = BoostedLearner()
Record = dict[str, Value]


def world(seed: int, size: int, *, shift: float = 0.0, scale: float = 1.0) -> list[Record]:
    """A price that follows size and, by half, the district; a lucky number that follows nothing."""
    rng = np.random.default_rng(seed)
    worth = np.random.default_rng(SEED).normal(0.0, 30.0, size=8)
    records: list[Record] = []
    for _ in range(size):
        room, district, noise, luck = rng.integers(1, 13), rng.integers(8), rng.normal(0.0, 20.0), rng.integers(10**6)
        price = round(30.0 * room + worth[district] + noise, 2)
        records.append({
            "size": int(room), "district": f"d{district}", "price": float(scale * price + shift), "luck": int(luck),
        })  # fmt: skip
    return records


def traces_of(records: list[Record]) -> Traces:
    traces = Traces()
    for record in records:
        traces.append(record, float("nan"), None)
    return traces


@cache
def learned() -> tuple[Traces, Fitted]:
    traces = traces_of(world(SEED, 600))
    return traces, LEARNER.fit(traces, LEARNER.targets(traces), lambda _share: None)


def schema_of(traces: Traces, fitted: Fitted, *targets: str) -> Schema:
    kept = Learned(traces.size, dict.fromkeys(targets, LEARNER.name), {LEARNER.name: fitted.parameters})
    return attach(traces, Learned.from_bytes(kept.to_bytes()))


def told_one_by_one(forest: Forest, codes: list[int]) -> np.ndarray:
    total = forest.start.copy()
    for features, cuts, leaves in zip(forest.features, forest.cuts, forest.leaves, strict=True):
        node = 0
        while node < trees.NODES:
            node = 2 * node + (2 if codes[features[node]] > cuts[node] else 1)
        total += leaves[node - trees.NODES]
    return total


def test_a_forest_is_the_sum_of_the_leaves_that_an_episode_falls_into() -> None:
    rng = np.random.default_rng(SEED)
    codes = rng.integers(0, [3, 20, 7], size=(400, 3))
    truth = (codes[:, 1:2] + rng.normal(0, 3, (400, 1)) <= np.array([5.0, 10.0, 15.0])).astype(float)
    forest, losses = grow(Cases(codes, truth), np.ones(3), rng, 12, Cases(codes, truth))
    expected = np.array([told_one_by_one(forest, row.tolist()) for row in codes[:50]])
    np.testing.assert_allclose(forest.predict(codes[:50]), expected, atol=1e-9)
    np.testing.assert_allclose(losses[-1][:50], ((expected - truth[:50]) ** 2).sum(axis=1), atol=1e-6)
    assert losses[-1].mean() < 0.8 * losses[0].mean()


def test_what_a_cut_gains_is_what_brute_force_finds() -> None:
    rng = np.random.default_rng(SEED)
    codes, slope = rng.integers(0, 9, size=200), rng.normal(size=200)
    gains = trees._gains(codes, slope, (1, 1, 9))[0, 0]

    def lowered(at: int) -> float:
        parts = [slope[codes <= at], slope[codes > at]]
        one = [p.sum() ** 2 / (len(p) + trees.LEAF_PSEUDOCOUNT) for p in parts if len(p) >= trees.LEAST_LEAF]
        return sum(one) - slope.sum() ** 2 / (len(slope) + trees.LEAF_PSEUDOCOUNT) if len(one) == 2 else 0.0

    np.testing.assert_allclose(gains, [lowered(at) for at in range(8)], atol=1e-9)


def test_a_name_is_told_by_those_before_it_alone() -> None:
    traces = traces_of(world(SEED, 200))
    features = FeatureSpace(traces, traces.size, grids_of(traces))
    rows = np.random.default_rng(SEED).permutation(traces.size)
    column = traces.columns["district"]
    u = encoding.ranks_of(traces.columns["price"].numbers[traces.columns["price"].codes[rows]])
    told = encoding._before(features.all[[f.name for f in features.all].index("district")].codes[rows], u)
    for i in range(0, 200, 7):
        own = u[:i][column.codes[rows[:i]] == column.codes[rows[i]]]
        a = encoding.STATISTIC_PSEUDOCOUNT
        np.testing.assert_allclose(told[i], (own.sum() + a / 2) / (len(own) + a))


def test_intervals_of_new_events_hold_what_they_say_and_the_median_is_near_the_best_there_is() -> None:
    traces, fitted = learned()
    schema = schema_of(traces, fitted, "price")
    held, errors = [], []
    for record in world(SEED + 1, 300):
        cue = CueInput({k: v for k, v in record.items() if k != "price"})
        answer = complete(traces, cue, Options(("price",), pattern_weight=1.0), schema).fields["price"]
        assert answer.interval is not None
        held.append(place(answer.interval.low) <= place(record["price"]) <= place(answer.interval.high))
        errors.append(abs(place(answer.value) - place(record["price"])))
    print(f"coverage {np.mean(held):.3f}, mean absolute error {np.mean(errors):.2f}, seed {SEED}")
    assert 0.72 < np.mean(held) < 0.88
    assert np.mean(errors) < 1.25 * 20.0 * np.sqrt(2.0 / np.pi)


def test_what_nothing_tells_has_no_trees() -> None:
    traces, fitted = learned()
    head = LEARNER.attach(traces, traces.size, fitted.parameters)
    boosted, _ = head._by_target["luck"]
    assert len(boosted.forest.features) == 0


def test_learning_commutes_with_shift_and_scale_of_the_target() -> None:
    records = world(SEED, 200), world(SEED, 200, shift=-40_000.0, scale=1.0 / 1024.0)
    said = []
    for each in records:
        traces = traces_of(each)
        head = LEARNER.attach(traces, traces.size, LEARNER.fit(traces, ["price"], lambda _share: None).parameters)
        general = head.infer({"size": 4, "district": "d3"}, "price")
        assert general is not None
        said.append(general.posterior)
    np.testing.assert_allclose(said[0], said[1], atol=1e-9)


def test_no_name_can_be_read_from_what_was_learned() -> None:
    records = [{**record, "district": f"quarter of {record['district']}"} for record in world(SEED, 120)]
    traces = traces_of(records)
    parameters = LEARNER.fit(traces, ["price"], lambda _share: None).parameters
    assert b"quarter of" not in b"".join(array.tobytes() for array in parameters.values())
