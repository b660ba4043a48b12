"""Sets of values that hold the true one as often as asked for, whatever the model is worth (split conformal
prediction: Vovk, Gammerman & Shafer 2005; by likelihood: Sadinle, Lei & Wasserman 2019).

Episodes that have the cue's fields and the target are asked for the target as new events are: of a memory that lacks
them, the cue's values too. One that had these would know a value that nobody else has, and no new event could bring it;
sets made by it held one in four too few of people, whose names and numbers are nearly all their own. The memory lacks
no more than a hundredth of its episodes (cross-conformal prediction: Vovk 2015), for one that lacked many would know
less than the one that answers. score_i is what was said of the true value. Of n such and a value y with score s,

    p(y) = (#{i : s_i < s} + u (#{i : s_i = s} + 1)) / (n + 1)        S = { y : p(y) > 1 - coverage }

holds the true value of a new event of the kind with `coverage` exactly; u in [0, 1) shares out what is equal (Vovk,
Gammerman & Shafer 2005, smoothed), drawn from the cue, so that the same question has the same answer. Scores count in
steps: a memory with one episode more sets all of them a little higher, and would set y above its equals. An episode
with the same cue and the value y is equal whatever its score: were y the new event's, each would be asked of a memory
that has the other. Without the sharing out the sets of a memory that has many episodes twice cover too much.

Of a category the score is P_G(y), what is not stored among the values as one of them; of a number or a time it is the
smaller tail of P_G at y, so S is an interval. P_G is the closed form for both: a learned head has seen the episodes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.block import Block
from engine.generalisation.distribution import Generalisation
from engine.memory.arrays import Floats, Ints, Rows
from engine.memory.columns import Column
from engine.memory.traces import Traces
from engine.memory.values import Value, identity, place
from engine.priors import CONFORMAL_APART, CONFORMAL_SHARE

CALIBRATED = 600  # episodes asked, at the most: coverage then varies by a little more than a point
ASKINGS = 20  # completions that take as long as the asking of so many episodes does, about
LEAST = 20  # with fewer that have the cue's fields nothing is promised
SEED = 20240601
STEP = 0.1  # of a score's logarithm: scores that are nearer are equal, an episode more or less moves them as much


@dataclass(frozen=True, slots=True)
class ConformalSet:
    """The values of a set, likeliest first, or of a number or time its `low` and `high` end.

    `with_unseen`: a value that no episode has is in it, too. `n` episodes were asked.
    """

    values: tuple[Value, ...]
    low: Value | None
    high: Value | None
    with_unseen: bool
    n: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What episodes' own values score, float64[n], rising, and by cue the codes, int[k], and the scores of its own."""

    rising: Floats
    alike: Mapping[tuple[int, ...], tuple[Rows, Floats]]


def scores(
    block: Block, names: Sequence[str], targets: Sequence[str], goes_on: Callable[[], bool] = lambda: True
) -> dict[str, Scores]:
    """Per target what the memory's episodes score, asked from the fields `names`; none of fewer than LEAST.

    Empty too when `goes_on` says so. `block` has no learned heads.
    """
    columns = block.traces.columns
    known = [name for name in sorted(names) if name in columns]
    found = {}
    for name in targets:
        has = np.all([columns[each].codes >= 0 for each in (*known, name)], axis=0)
        rows = np.random.default_rng(SEED).permutation(np.flatnonzero(has))[:CALIBRATED]
        rows = np.sort(rows) if len(rows) >= LEAST else rows[:0]
        scored = list(_scored(block, (*known, name), rows, goes_on))
        if len(scored) < len(rows):
            return {}
        own = _steps(np.array(scored))
        found[name] = Scores(np.sort(own), _alike(rows, own, columns[name], [columns[each] for each in known]))
    return found


def _scored(block: Block, names: Sequence[str], rows: Rows, goes_on: Callable[[], bool]) -> Iterator[float]:
    """What a memory of the fields `names` that lacks an episode says of its value of the last; till `goes_on` ends it.

    A few at a time are taken out and put back at the end, so that what is indexed of the others stays.
    """
    columns, target = block.traces.columns, names[-1]
    size = block.traces.size
    of, own = block.traces, {name: columns[name].copy() for name in names}
    rest = Traces(own, size, kinds=of.kinds, encoder=of.encoder, _times=np.full(size, np.nan))
    standing = np.arange(size)
    apart = min(CONFORMAL_APART, max(1, size // CONFORMAL_SHARE))
    for begin in range(0, len(rows), apart):
        few = rows[begin : begin + apart]
        gone = np.isin(standing, few)
        events = [_told(block.traces, names, row) for row in few.tolist()]
        rest.remove(np.flatnonzero(gone).tolist())
        asked = Block(rest, block.schema)
        for event in events:
            if not goes_on():
                return
            yield _score(asked, target, event)
        rest.extend(events, [math.nan] * len(events), [None] * len(events))
        standing = np.concatenate([standing[~gone], few])


def _told(traces: Traces, names: Sequence[str], row: int) -> dict[str, Value]:
    """What an episode says of some fields, which it has."""
    return {name: traces.columns[name].values[int(traces.columns[name].codes[row])] for name in names}


def _score(block: Block, target: str, event: Mapping[str, Value]) -> float:
    """What a memory says of an event's value of a field."""
    column, value = block.traces.columns[target], event[target]
    general = block.general({name: each for name, each in event.items() if name != target}, target)
    if _is_line(column):
        return _tail_at(column, column.counts, general, place(value))
    code = column.find(value)
    return float(_likelihoods(general)[code]) if code >= 0 else general.novel


def _alike(
    rows: Rows, own: Floats, target: Column, known: Sequence[Column]
) -> dict[tuple[int, ...], tuple[Rows, Floats]]:
    """The rows' codes and scores by their cue."""
    places: dict[tuple[int, ...], list[int]] = {}
    for at, row in enumerate(rows.tolist()):
        places.setdefault(tuple(int(column.codes[row]) for column in known), []).append(at)
    return {cue: (target.codes[rows[at]].astype(np.intp), own[at]) for cue, at in places.items()}


def conformal(block: Block, cue: Mapping[str, Value], target: str, given: Scores, coverage: float) -> ConformalSet:
    """The set for one cue, which may hold nothing; `scores` gave `given`."""
    column, general, n = block.traces.columns[target], block.general(cue, target), len(given.rising)
    live, known = column.counts > 0, [name for name in sorted(cue) if name in block.traces.columns]
    u, least = _drawn({name: cue[name] for name in known}, target), (1.0 - coverage) * (n + 1)
    codes, own = given.alike.get(
        tuple(block.traces.columns[name].find(cue[name]) for name in known), (np.zeros(0, np.intp), np.zeros(0))
    )
    if _is_line(column):
        tails, places = _tails(column, column.counts, general), column.numbers
        on_line = live & ~np.isnan(places)
        inside = on_line & (_places(tails, given.rising, codes, own, u) > least)
        if not inside.any():
            inside = on_line & (tails >= tails[on_line].max(initial=0.0))
        chosen = np.flatnonzero(inside)
        low, high = chosen[np.argmin(places[chosen])], chosen[np.argmax(places[chosen])]
        return ConformalSet((), column.values[low], column.values[high], False, n)
    p = _likelihoods(general)
    chosen = np.flatnonzero(live & (_places(p, given.rising, codes, own, u) > least))
    chosen = chosen[np.lexsort((chosen, -p[chosen]))]
    values = tuple(column.values[code] for code in chosen)
    novel = _places(np.array([general.novel]), given.rising, np.zeros(0, np.intp), np.zeros(0), u)
    return ConformalSet(values, None, None, bool(novel[0] > least), n)


def _places(scored: Floats, rising: Floats, codes: Rows, own: Floats, u: float) -> Floats:
    """float64[V], (n + 1) p(y) of each score; the episodes with the cue have `codes`, int[k], and score `own`."""
    scored = _steps(scored)
    below = np.searchsorted(rising, scored, "left")
    equal = np.searchsorted(rising, scored, "right") - below
    is_below, is_above = own < scored[codes], own > scored[codes]
    np.subtract.at(below, codes[is_below], 1)
    np.add.at(equal, codes[is_below | is_above], 1)
    return below + u * (equal + 1.0)


def _steps(scored: Floats) -> Floats:
    """Scores in whole steps: those that cannot be told apart are equal."""
    return np.floor(np.log(np.maximum(scored, 1e-300)) / STEP)


def _drawn(cue: Mapping[str, Value], target: str) -> float:
    """u in [0, 1), by chance as far as any value is concerned, and the same for the same question."""
    told = repr((target, [(name, identity(cue[name])) for name in sorted(cue)]))
    return int.from_bytes(hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=6).digest()) / 2.0**48


def _is_line(column: Column) -> bool:
    return column.kind in ("number", "time")


def _likelihoods(general: Generalisation) -> Floats:
    """P_G(y) float64[V], with what is novel sums to 1."""
    return (1.0 - general.novel) * general.posterior


def _tails(column: Column, counts: Ints, general: Generalisation) -> Floats:
    """float64[V]: the smaller of the masses at or below and at or above each value on the line; 0 off it."""
    order, mass = _masses(column, counts, general)
    tails = np.zeros(len(column.numbers))
    below = np.cumsum(mass)
    tails[order] = np.minimum(below, 1.0 - below + mass)
    return tails


def _tail_at(column: Column, counts: Ints, general: Generalisation, where: float) -> float:
    """The largest t whose interval still reaches to a place on the line from both sides."""
    tails, places = _tails(column, counts, general), column.numbers
    left, right = (float(tails[side].max(initial=0.0)) for side in (places <= where, places >= where))
    return min(left, right)


def _masses(column: Column, counts: Ints, general: Generalisation) -> tuple[Rows, Floats]:
    """(codes of the live values along the line, P_G of each, sum 1)."""
    order = np.argsort(column.numbers, kind="stable")
    order = order[~np.isnan(column.numbers[order]) & (counts[order] > 0)]
    mass = general.posterior[order]
    total = float(mass.sum())
    return order, mass / total if total > 0.0 else np.full(len(order), 1.0 / max(1, len(order)))
