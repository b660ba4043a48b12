"""Is there an expression that numexpr evaluates faster? The one arithmetic chain over all episodes, five ways."""

from __future__ import annotations

import time
from collections.abc import Callable

import numexpr
import numpy as np
import numpy.typing as npt

SHAPES = ((1_000, 64), (20_000, 64), (100_000, 64), (10_000, 768), (100_000, 768))
REPEATS = 9
BLOCK = 1 << 16
LENGTHS: dict[int, npt.NDArray[np.floating]] = {}
Matrix = npt.NDArray[np.float32]


def plain(rows: Matrix, cue: Matrix) -> npt.NDArray[np.floating]:
    """Squared distances with temporaries."""
    squares: npt.NDArray[np.floating] = ((rows - cue) ** 2).sum(axis=1)
    return squares


def einsum(rows: Matrix, cue: Matrix) -> npt.NDArray[np.floating]:
    """The same with one temporary."""
    away = rows - cue
    squares: npt.NDArray[np.floating] = np.einsum("kd,kd->k", away, away)
    return squares


def product(rows: Matrix, cue: Matrix) -> npt.NDArray[np.floating]:
    """|x|^2 - 2 x'q + |q|^2 with lengths that are kept, as `engine.memory.vectors` does it for a whole cue."""
    lengths = LENGTHS.setdefault(id(rows), np.einsum("kd,kd->k", rows, rows))
    squares: npt.NDArray[np.floating] = lengths - 2.0 * (rows @ cue) + cue @ cue
    return squares


def blocks(rows: Matrix, cue: Matrix) -> npt.NDArray[np.floating]:
    """Some rows at a time, summed by a product with the mask, as `engine.memory.vectors` does it for a partial cue."""
    squares, mask, step = np.empty(len(rows), np.float32), np.ones(len(cue), np.float32), BLOCK // len(cue)
    for begin in range(0, len(rows), step):
        away = rows[begin : begin + step] - cue
        away *= away
        squares[begin : begin + step] = away @ mask
    return squares


def expression(rows: Matrix, cue: Matrix) -> npt.NDArray[np.floating]:
    """The same as one numexpr expression."""
    names = {"x": rows, "q": cue}
    squares: npt.NDArray[np.floating] = numexpr.evaluate("sum((x-q)**2, axis=1)", local_dict=names, global_dict={})
    return squares


def table() -> str:
    """Best of REPEATS in ms, one thread, as Markdown; all must agree."""
    numexpr.set_num_threads(1)
    rng = np.random.default_rng(20240601)
    lines = ["| rows x dimensions | numpy | einsum | product | blocks | numexpr |", "|---|---|---|---|---|---|"]
    for shape in SHAPES:
        rows, cue = rng.normal(size=shape).astype(np.float32), rng.normal(size=shape[1]).astype(np.float32)
        LENGTHS.clear()
        for way in (einsum, product, blocks, expression):
            np.testing.assert_allclose(way(rows, cue), plain(rows, cue), rtol=1e-4)
        times = [_best(way, rows, cue) for way in (plain, einsum, product, blocks, expression)]
        lines.append(f"| {shape[0]:,} x {shape[1]} | " + " | ".join(f"{ms:.2f} ms" for ms in times) + " |")
    return "\n".join(lines)


def _best(way: Callable[[Matrix, Matrix], object], rows: Matrix, cue: Matrix) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        way(rows, cue)
        times.append((time.perf_counter() - started) * 1e3)
    return min(times)
