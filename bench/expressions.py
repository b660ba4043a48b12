"""Which expressions numexpr evaluates faster: the engine's chains, and the kinds of work that numpy keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numexpr
import numpy as np

from engine.expressions import CHAINS
from engine.priors import EXPRESSION_ROWS

SIZES = (EXPRESSION_ROWS // 10, EXPRESSION_ROWS, 10 * EXPRESSION_ROWS)
REPEATS = 15
Way = Callable[[], Any]


def table() -> str:
    """Best of REPEATS in ms as Markdown, in the engine's own threads; both agree, exponentials but for rounding."""
    heads = [f"{size:,} rows" for size in SIZES]
    lines = ["| numpy, numexpr (ms) | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    columns = [_measure(size) for size in SIZES]
    lines += [f"| {name} | " + " | ".join(column[name] for column in columns) + " |" for name in columns[0]]
    return "\n".join(lines)


def _measure(size: int) -> dict[str, str]:
    """Per row of the table, the two times."""
    found = {}
    for name, ways in _cases(size).items():
        plain, evaluated = (way() for way in ways)
        np.testing.assert_allclose(plain, evaluated, rtol=1e-6 if name.startswith("exp") else 0.0)
        found[name] = ", ".join(f"{_best(way):.2f}" for way in ways)
    return found


def _cases(size: int) -> dict[str, tuple[Way, Way]]:
    """Per row of the table, numpy's way and numexpr's."""
    rng = np.random.default_rng(20240601)
    x, y, z = rng.normal(size=(3, size))
    single, codes, times = x.astype(np.float32), rng.integers(0, 50, size).astype(np.int32), rng.random(size)
    given = {
        "squared_distances": {"lengths": x * x, "along": single, "own": 0.5},
    }

    def evaluated(text: str, **names: Any) -> Way:
        return lambda: numexpr.evaluate(text, local_dict=names, global_dict={})

    chains: dict[str, tuple[Way, Way]] = {
        f"`{name}`": (lambda c=chain, g=given[name]: c.twin(**g), lambda c=chain, g=given[name]: c.evaluate(**g))
        for name, chain in CHAINS.items()
    }
    return chains | {
        "three squared differences": (
            lambda: (x - 0.1) ** 2 + (y - 0.2) ** 2 + (z - 0.3) ** 2,
            evaluated("(x - 0.1) ** 2 + (y - 0.2) ** 2 + (z - 0.3) ** 2", x=x, y=y, z=z),
        ),
        "bounds on one array": (
            lambda: np.maximum(x - 2.5 + 2.0, -1.5),
            evaluated("where(x - 2.5 + 2.0 < -1.5, -1.5, x - 2.5 + 2.0)", x=x),
        ),
        "a filter: one value, a span of time": (
            lambda: (codes == 3) & (times >= 0.2) & (times < 0.7),
            evaluated("(codes == 3) & (times >= 0.2) & (times < 0.7)", codes=codes, times=times),
        ),
        "exponentials of float32": (lambda: np.exp(single), evaluated("exp(single)", single=single)),
    }


def _best(way: Way) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        way()
        times.append((time.perf_counter() - started) * 1e3)
    return min(times)
