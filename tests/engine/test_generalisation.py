"""The generalisation head's pieces against plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from engine.generalisation import top_rows


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
