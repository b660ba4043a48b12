"""The closed-form weights: what is shared beyond chance, and what the counts cannot decide."""

from __future__ import annotations

import numpy as np
import pytest

from engine.generalisation.weights import closed_form, shared_information
from engine.priors import UNDECIDED
from tests.engine.worlds import NAMES, traces_of


@pytest.mark.parametrize("size", [25, 60, 400])
@pytest.mark.parametrize("values", [3, 20, 1000])
def test_independent_values_share_hardly_anything_however_few_the_episodes(size: int, values: int) -> None:
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = rng.integers(values, size=(2, size)).astype(np.int32)
        beyond, _, h_x, h_y = shared_information(x, y)
        found.append(beyond / min(h_x, h_y))
    assert np.mean(found) < 0.03


def test_a_value_that_tells_another_shares_nearly_all_of_it() -> None:
    x = np.random.default_rng(0).integers(6, size=400).astype(np.int32)
    beyond, _, _, h_y = shared_information(x, x // 2)
    assert beyond / h_y > 0.95


def test_what_is_shared_is_the_same_both_ways_and_in_any_order_of_fields() -> None:
    rng = np.random.default_rng(0)
    records = [{"b": NAMES[k := rng.integers(5)], "a": NAMES[(k + rng.integers(2)) % 5]} for _ in range(200)]
    turned = [dict(reversed(list(record.items()))) for record in records]
    one, other = (closed_form(traces.columns, traces.size) for traces in (traces_of(records), traces_of(turned)))
    assert one == other
    assert one.w["a", "b"] > 0.5
    assert one.v["a", "b"] == 1.0


def test_names_that_never_recur_decide_nothing_and_keep_a_little_weight_in_the_kernel_alone() -> None:
    traces = traces_of([{"name": f"name {n}", "street": f"street {n}"} for n in range(64)])
    weights = closed_form(traces.columns, traces.size)
    assert weights.w["name", "street"] == pytest.approx(UNDECIDED)
    assert weights.v["name", "street"] == 0.0
