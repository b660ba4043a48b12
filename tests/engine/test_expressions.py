"""The seam to numexpr: every chain is its numpy twin to the bit, whichever of the two is used."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from engine import expressions
from engine.expressions import CHAINS, Chain, Operand
from engine.priors import EXPRESSION_ROWS

NUMBERS = {"own"}
SINGLES = {"along"}


def operands(chain: Chain, rows: int, seed: int) -> dict[str, Operand]:
    """Random operands of a chain; of arrays some are NaN, infinite, zero or tiny."""
    rng = np.random.default_rng(seed)
    found: dict[str, Operand] = {}
    for name in inspect.signature(chain.twin).parameters:
        if name in NUMBERS:
            found[name] = float(rng.choice([0.3, 1.0, 7.25, rng.uniform(0.01, 50.0)]))
            continue
        values = rng.normal(scale=rng.choice([1e-3, 1.0, 1e6]), size=rows)
        for odd in (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310):
            values[rng.random(rows) < 0.01] = odd
        found[name] = values.astype(np.float32) if name in SINGLES else values
    return found


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", CHAINS)
def test_numexpr_and_numpy_agree_to_the_bit(name: str, seed: int) -> None:
    chain = CHAINS[name]
    given = operands(chain, 10_007, seed)
    with np.errstate(all="ignore"):
        ours, theirs = chain.twin(**given), chain.evaluate(**given)
    assert theirs.dtype == np.float64
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", CHAINS)
def test_the_threshold_decides_by_the_rows_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, asked = CHAINS[name], []
    monkeypatch.setattr(Chain, "evaluate", lambda self, **given: asked.append(given) or np.zeros(0))
    with np.errstate(all="ignore"):
        assert len(chain(**operands(chain, EXPRESSION_ROWS - 1, 0))) == EXPRESSION_ROWS - 1
    assert not asked
    chain(**operands(chain, EXPRESSION_ROWS, 0))
    assert len(asked) == 1


def test_every_expression_is_in_the_table_and_names_only_its_operands() -> None:
    chains = {name: each for name, each in vars(expressions).items() if isinstance(each, Chain)}
    assert chains == CHAINS
    for chain in chains.values():
        names = set(compile(chain.text.replace("where", "max"), "chain", "eval").co_names) - {"max", "abs"}
        assert names == set(inspect.signature(chain.twin).parameters)
