"""How far off confidences are, as it is measured: nothing for honest ones, the bias for others."""

from __future__ import annotations

import numpy as np
import pytest

from engine.consolidation.calibration import Outcome, error, errors


def judged(count: int, seed: int, bias: float = 0.0, field: str = "where") -> list[Outcome]:
    rng = np.random.default_rng(seed)
    said = rng.uniform(0.2, 0.8, count)
    return [Outcome(field, "recalled", float(p), bool(rng.random() < p - bias)) for p in said]


def test_honest_confidences_have_an_error_that_goes_with_their_number() -> None:
    squares = [error(judged(2000, seed)) ** 2 for seed in range(40)]
    assert np.mean(squares) < 0.0004


@pytest.mark.parametrize("bias", [0.15, -0.15])
def test_confidences_that_are_off_by_so_much_are_found_to_be(bias: float) -> None:
    assert np.mean([error(judged(2000, seed, bias)) for seed in range(10)]) == pytest.approx(0.15, abs=0.02)


def test_a_field_of_few_answers_tells_nothing() -> None:
    found = errors([*judged(400, 1, 0.2), *judged(19, 2, 0.2, "who")])
    assert list(found) == ["where"]
