"""How like numbers are to one another."""

import math

import numpy as np
import pytest

from engine import Traces
from engine.priors import STEP
from engine.recollection.similarity import number_line, number_nearness


@pytest.mark.parametrize("where", [-3.0, 0.0, 0.37, 5.0, 9.9, 30.0])
def test_likeness_of_numbers_is_that_of_its_formula(where: float) -> None:
    rng = np.random.default_rng(4)
    traces = Traces()
    for number in rng.choice(np.round(rng.uniform(0, 10, 40), 1), 300):
        traces.append({"x": float(number)}, math.nan, None)
    column = traces.columns["x"]
    line = number_line(column)
    rank, step = line.locate(where)
    for width in (0.01, 0.05):
        apart = np.minimum(np.abs(line.ranks - rank) / width, np.abs(line.steps - step) / STEP)
        near = number_nearness(column, where, width)
        np.testing.assert_allclose(near[line.codes], np.exp(-apart), rtol=1e-12, atol=1e-9)
