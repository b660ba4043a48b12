"""Pairs of episodes that tell of one event, with their probability, and what they say differently of it.

Two episodes of one event agree in a field with m, are near with m', differ with m'' (equal 1 together); two of
different events agree by chance, with u. The odds that a pair is of one event are

    lambda / (1 - lambda) * prod m / u (agree) * prod m' / u' (near) * prod m'' / u'' (differ)

over the fields that both have (Fellegi & Sunter 1969; Winkler 1988: expectation maximisation without labels). Fields
hang together, so u of a value that both have is not its frequency alone, but the largest chance that an episode
which shares another agreed value shares this one, too: what follows from the rest counts for nothing.

Only pairs that share a value of few episodes are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import JaroWinkler

from engine.memory.arrays import Floats, Ints, Rows
from engine.memory.columns import Column, same_records
from engine.memory.traces import Traces
from engine.priors import (
    SEED,
    TWIN_AGREEING,
    TWIN_BLOCK,
    TWIN_FIELDS,
    TWIN_LIKENESS,
    TWIN_PAIRS,
    TWIN_RANDOM,
    TWIN_ROUNDS,
    TWIN_TOLD,
    TWIN_VALUES,
)

MISSED, DIFFER, NEAR, AGREE = -1, 0, 1, 2


@dataclass(frozen=True, slots=True)
class Twins:
    """Two rows, the chance that they tell of one event, in [0, 1], and the fields in which both say something else."""

    rows: tuple[int, int]
    probability: float
    differ_in: tuple[str, ...]


def twins(traces: Traces, least: float, most: int, goes_on: Callable[[], bool] = lambda: True) -> list[Twins]:
    """The `most` likeliest pairs with at least the probability `least`; fewer when `goes_on` says so.

    Cost O(F^2 N log N + P F) for F fields and P pairs that share a value of few episodes.
    """
    columns = dict(list(traces.columns.items())[:TWIN_FIELDS])
    pairs = _candidates(columns, traces.size)
    if not len(pairs):
        return []
    seen = np.random.default_rng(SEED).integers(traces.size, size=(TWIN_RANDOM, 2))
    levels, log_u = [], []
    for name, column in columns.items():
        if not goes_on():
            return []
        levels.append(_levels(column, pairs))
        log_u.append(_log_u(name, columns, pairs, levels[-1], _levels(column, seen[seen[:, 0] != seen[:, 1]])))
    probability = _settled(np.stack(levels, axis=1), np.stack(log_u, axis=1), traces.size)
    chosen = np.flatnonzero(probability >= least)
    chosen = chosen[np.lexsort((pairs[chosen, 1], pairs[chosen, 0], -probability[chosen]))][:most]
    told = np.stack(levels, axis=1)[chosen]
    names = list(columns)
    return [
        Twins(
            (int(pairs[at, 0]), int(pairs[at, 1])),
            float(probability[at]),
            tuple(names[field] for field in np.flatnonzero((row == DIFFER) | (row == NEAR))),
        )
        for at, row in zip(chosen, told, strict=True)
    ]


def _candidates(columns: dict[str, Column], size: int) -> Ints:
    """int[P, 2]: the pairs of rows that share a value of at most TWIN_BLOCK episodes, those that share most first."""
    found = []
    for column in columns.values():
        order = np.argsort(column.codes, kind="stable")
        for rows in _blocks(order, column.codes[order]):
            first, second = np.triu_indices(len(rows), 1)
            a, b = rows[first].astype(np.int64), rows[second].astype(np.int64)
            found.append(np.minimum(a, b) * size + np.maximum(a, b))
    if not found:
        return np.zeros((0, 2), dtype=np.int64)
    keys, shared = np.unique(np.concatenate(found), return_counts=True)
    keys = keys[np.argsort(-shared, kind="stable")][:TWIN_PAIRS]
    return np.stack((keys // size, keys % size), axis=1)


def _blocks(order: Rows, codes: Ints) -> Iterator[Rows]:
    """The rows of every value that a few episodes have."""
    ends = np.flatnonzero(np.diff(codes)) + 1
    begins = np.concatenate(([0], ends))
    sizes = np.diff(np.concatenate((begins, [len(codes)])))
    chosen = (sizes > 1) & (sizes <= TWIN_BLOCK) & (codes[begins] >= 0)
    for begin, count in zip(begins[chosen].tolist(), sizes[chosen].tolist(), strict=True):
        yield order[begin : begin + count]


def _levels(column: Column, pairs: Ints) -> Ints:
    """int[P]: whether the two agree, are near, differ, or one of them has nothing."""
    a, b = column.codes[pairs[:, 0]].astype(np.int64), column.codes[pairs[:, 1]].astype(np.int64)
    levels = np.where(a == b, AGREE, DIFFER)
    levels[(a < 0) | (b < 0)] = MISSED
    if column.kind not in ("category", "text"):
        return levels
    apart = np.flatnonzero(levels == DIFFER)
    both, which = np.unique(np.stack((np.minimum(a, b), np.maximum(a, b)), axis=1)[apart], axis=0, return_inverse=True)
    if not len(apart) or len(both) > TWIN_VALUES:
        return levels
    texts = [str(value).casefold() for value in column.values]
    near = np.array([JaroWinkler.similarity(texts[x], texts[y]) >= TWIN_LIKENESS for x, y in both.tolist()])
    levels[apart[near[which.reshape(-1)]]] = NEAR
    return levels


def _log_u(name: str, columns: dict[str, Column], pairs: Ints, levels: Ints, at_random: Ints) -> Floats:
    """float64[P]: log of the chance that two episodes of different events are as these are in one field."""
    asked = max(1, int((at_random != MISSED).sum()))
    rates = [
        (float((at_random == level).sum()) + 1.0) / (asked + len((DIFFER, NEAR, AGREE))) for level in (DIFFER, NEAR)
    ]
    chance = np.where(levels == NEAR, rates[1], rates[0])
    agree = np.flatnonzero(levels == AGREE)
    chance[agree] = _coincidence(name, columns, pairs[agree])
    return np.log(chance)


def _coincidence(name: str, columns: dict[str, Column], pairs: Ints) -> Floats:
    """float64[P]: the largest chance that an episode has a value which it shares another agreed value with.

    The two are not counted among those that tell it; the value's frequency counts as one episode.
    """
    own, size = columns[name], len(columns[name].codes)
    first, second = pairs[:, 0], pairs[:, 1]
    held = np.bincount(own.codes + 1, minlength=2)[own.codes[first] + 1]
    frequency = held / max(1, own.present)
    largest = frequency.copy()
    for other, column in columns.items():
        if other == name:
            continue
        both = same_records((own.codes, column.codes), size)
        together = np.bincount(both)[both[first]]
        having = np.bincount(column.codes + 1)[column.codes[first] + 1]
        shares = (column.codes[first] == column.codes[second]) & (column.codes[first] >= 0)
        conditional = (np.maximum(0, together - 2) + frequency) / (np.maximum(0, having - 2) + 1.0)
        np.maximum(largest, conditional, out=largest, where=shares)
    return np.minimum(1.0, largest)


def _settled(levels: Ints, log_u: Floats, size: int) -> Floats:
    """float64[P]: the probabilities, once m and lambda are those that make what is seen likeliest."""
    fields, all_pairs = levels.shape[1], 0.5 * size * (size - 1)
    m = np.tile(np.array([0.5 * (1 - TWIN_AGREEING), 0.5 * (1 - TWIN_AGREEING), TWIN_AGREEING]), (fields, 1))
    expected, probability = 1.0, np.zeros(len(levels))
    for _ in range(TWIN_ROUNDS):
        odds = np.full(len(levels), np.log(expected / all_pairs))
        for field in range(fields):
            told = levels[:, field]
            gain = np.log(m[field][np.maximum(told, 0)]) - log_u[:, field]
            odds += np.where(told == MISSED, 0.0, gain)
        probability = np.exp(-np.logaddexp(0.0, -odds))
        expected = float(probability.sum()) + 1.0
        for field in range(fields):
            weights = np.array([probability[levels[:, field] == level].sum() for level in (DIFFER, NEAR, AGREE)])
            prior = np.array([0.5 * (1 - TWIN_AGREEING), 0.5 * (1 - TWIN_AGREEING), TWIN_AGREEING])
            m[field] = (weights + TWIN_TOLD * prior) / (weights.sum() + TWIN_TOLD)
    return probability


def chained(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The groups of rows that pairs hold together."""
    home: dict[int, int] = {}

    def root(row: int) -> int:
        while home.setdefault(row, row) != row:
            home[row] = home[home[row]]
            row = home[row]
        return row

    for first, second in pairs:
        home[max(root(first), root(second))] = min(root(first), root(second))
    groups: dict[int, list[int]] = {}
    for row in sorted(home):
        groups.setdefault(root(row), []).append(row)
    return [tuple(rows) for rows in groups.values()]
