"""What is told of one field for many cues at once: the value, how sure it is, where it is from, and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.attribution import AnswerParts, attribute
from engine.answer.decision import decide_all
from engine.answer.interval import ValueInterval, in_terms_of, of_cells
from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.smoothing import cells, smoothed
from engine.memory.arrays import Floats, Ints, Mask, Rows
from engine.memory.columns import MISSING, Column
from engine.memory.resolution import tolerance
from engine.memory.values import Value


@dataclass(frozen=True, slots=True)
class Predicted:
    """The answer for one target: its value, the value's code, P(right) in [0, 1], and the source it comes from.

    `supporters` >= 1 is the effective number of episodes behind it. Of a number or time `interval` is where it lies.
    """

    name: str
    value: Value
    code: int
    confidence: float
    source: str
    supporters: float
    interval: ValueInterval | None = None


@dataclass(frozen=True, slots=True)
class Backing:
    """The episodes that carry an answer, int[C], and their weight, float64[C]."""

    rows: Rows
    weights: Floats


def read_out(
    name: str, column: Column, generals: Sequence[Generalisation], backings: Sequence[Backing], *, is_told: bool
) -> list[Predicted]:
    """The answers that n posteriors of one field tell, each beside the episodes behind it.

    With `is_told` those of numbers and times say where they lie, too.
    """
    is_line = column.kind in ("number", "time")
    generals = [smoothed(column, general) for general in generals]
    on, around = (np.stack(each) for each in zip(*(cells(column, general) for general in generals), strict=True))
    p = np.stack([general.posterior for general in generals])
    codes = decide_all(column, p, on + around)
    parts = _parts(column, generals, p, codes, backings)
    lies: list[ValueInterval | None] = [None] * len(generals)
    if is_told and is_line:
        found = zip(codes.tolist(), on, around, strict=True)
        lies = [in_terms_of(column, of_cells(column, code, *own), column.values[code]) for code, *own in found]
    return [
        Predicted(name, column.values[code], code, each.total, attribute(each).label(each), each.supporters, lie)
        for code, each, lie in zip(codes.tolist(), parts, lies, strict=True)
    ]


def _parts(
    column: Column, generals: Sequence[Generalisation], p: Floats, codes: Ints, backings: Sequence[Backing]
) -> list[AnswerParts]:
    """What the parts of the model say of the answers, int[n]; P_G is p float64[n, V]."""
    same = _same(column, codes)
    novel = np.array([general.novel for general in generals])
    bracket = np.stack([general.bracket for general in generals])
    beta = np.stack([general.beta for general in generals])
    lifted = np.stack([general.m for general in generals]) * np.exp(beta - beta.max(axis=1, keepdims=True))
    likely = _share(p, same, is_whole=True)
    told = zip(
        np.minimum(1.0, (1.0 - novel) * likely).tolist(),
        _share(np.broadcast_to(background(column), p.shape), same, is_whole=True).tolist(),
        likely.tolist(),
        _share(bracket, same).tolist(),
        _share(lifted, same).tolist(),
        _supporters(column, codes, backings).tolist(),
        strict=True,
    )
    return [
        AnswerParts(total, base, 0.0, 0.0, 0.0, general, kernel, schema, supporters)
        for total, base, general, kernel, schema, supporters in told
    ]


def _same(column: Column, codes: Ints) -> Mask | Ints:
    """The values that count as each answer, bool[n, V]; where only the answer itself does, the answers, int[n]."""
    if not tolerance(column):
        return codes
    same = np.abs(column.numbers - column.numbers[codes][:, None]) <= tolerance(column)
    same[np.arange(len(codes)), codes] = True
    return same


def _share(mass: Floats, same: Mask | Ints, *, is_whole: bool = False) -> Floats:
    """float64[n]: of mass float64[n, V] what is on the same values; as a share, unless its sum is one already."""
    own: Floats = mass[np.arange(len(mass)), same] if same.ndim == 1 else (mass * same).sum(axis=1)
    if is_whole:
        return own
    total = mass.sum(axis=1)
    return own / np.where(total > 0.0, total, 1.0)


def _supporters(column: Column, codes: Ints, backings: Sequence[Backing]) -> Floats:
    """float64[n]: the effective number of the episodes that have what counts as each answer."""
    rows, weights = (np.stack(each) for each in zip(*((each.rows, each.weights) for each in backings), strict=True))
    theirs, near = column.codes[rows], tolerance(column)
    same = theirs == codes[:, None]
    if near:
        same |= (theirs != MISSING) & (np.abs(column.numbers[theirs] - column.numbers[codes][:, None]) <= near)
    own = weights * same
    found: Floats = np.maximum(1.0, own.sum(axis=1) ** 2 / np.maximum((own**2).sum(axis=1), 1e-300))
    return found
