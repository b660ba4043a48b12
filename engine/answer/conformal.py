"""Sets of values that hold the true one as often as asked for, whatever the model is worth (split conformal
prediction: Vovk, Gammerman & Shafer 2005; by likelihood: Sadinle, Lei & Wasserman 2019).

Episodes that have the cue's fields and the target are asked for the target as new events are: of a memory that lacks
them, the cue's values too. One that had these would know a value that nobody else has, and no new event could bring it;
sets made by it held one in four too few of people, whose names and numbers are nearly all their own. The memory lacks
no more than a hundredth of its episodes (cross-conformal prediction: Vovk 2015), for one that lacked many would know
less than the one that answers; and no two of the same value as far as that goes, for each takes from what is said of
the other. score_i is what was said of the true value. Of n such and a value y with score s,

    p(y) = (#{i : s_i < s} + u (#{i : s_i = s} + 1)) / (n + 1)        S = { y : p(y) > 1 - coverage }

holds the true value of a new event of the kind with `coverage` exactly, when each episode and the event are asked of
memories that have neither; u in [0, 1) shares out what is equal (Vovk, Gammerman & Shafer 2005, smoothed), drawn from
the cue and the episodes asked, so that the same question has the same answer. The event is asked once, of a memory that
has all the episodes. What one more does to it is taken back:

- an episode with the value y itself is compared with what would be said of y without it
  (`Block.general_and_without`), is equal if it also has the cue, and if nobody else has y: then both are new values;
- what is not stored is compared by its odds, which all stored values have in common, and is equal to each episode
  whose value no other has;
- what is left moves all scores by less than NEAR, and what is nearer counts as equal.

So a set may be empty: where all are as sure as can be, one event in ten is in none of 90 %.

Of a category the score is P_G(y) among the values that are stored, or the odds of one that is not; of a number or a
time it is the smaller tail of P_G at y, so S is an interval. P_G is the closed form for both: a learned head has seen
the episodes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answer.block import Block
from engine.generalisation.distribution import Generalisation
from engine.memory.arrays import Floats, Ints, Mask, Rows
from engine.memory.columns import Column
from engine.memory.traces import Traces
from engine.memory.values import Value, identity, place
from engine.priors import CONFORMAL_APART, CONFORMAL_SHARE

CALIBRATED = 600  # episodes asked, at the most: coverage then varies by a little more than a point
ASKINGS = 20  # completions that take as long as the asking of so many episodes does, about
LEAST = 20  # with fewer that have the cue's fields nothing is promised
SEED = 20240601
NEAR = 0.05  # of a score: what is nearer is equal, an episode more or less moves it as much


@dataclass(frozen=True, slots=True)
class ConformalSet:
    """The values of a set, likeliest first, or of a number or time its `low` and `high` end, None where it is empty.

    `with_unseen`: a value that no episode has is in it, too. `n` episodes were asked.
    """

    values: tuple[Value, ...]
    low: Value | None
    high: Value | None
    with_unseen: bool
    n: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What the episodes `rows` score of their own values, `scored` float64[n] (`is_new`: the odds of a new value).

    `rising` are the same in order, `met` those that are not new. `lot` is drawn by what the episodes are.
    """

    rows: Rows
    scored: Floats
    is_new: Mask
    rising: Floats
    met: Floats
    lot: bytes


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
        dealt = _dealt(block.traces, (*known, name), rows if len(rows) >= LEAST else rows[:0])
        rows = np.concatenate(dealt)
        told = np.array(list(_scored(block, (*known, name), dealt, goes_on))).reshape(-1, 2)
        if len(told) < len(rows):
            return {}
        own, is_new = told[:, 0], told[:, 1] > 0.0
        lots = [columns[each].lots[columns[each].codes[rows]].tobytes() for each in (*known, name)]
        lot = hashlib.blake2b(b"".join(lots), digest_size=8).digest()
        found[name] = Scores(rows, own, is_new, np.sort(own), np.sort(own[~is_new]), lot)
    return found


def _dealt(traces: Traces, names: Sequence[str], rows: Rows) -> list[Rows]:
    """The episodes in groups that a memory may lack at once: those of one value of the last field in as many as can be,
    and of these those that are alike in the others."""
    apart = min(CONFORMAL_APART, max(1, traces.size // CONFORMAL_SHARE))
    groups = max(1, -(-len(rows) // apart))
    rows = rows[np.lexsort([traces.columns[name].codes[rows] for name in names])]
    return [rows[group::groups] for group in range(groups)]


def _scored(
    block: Block, names: Sequence[str], dealt: Sequence[Rows], goes_on: Callable[[], bool]
) -> Iterator[tuple[float, bool]]:
    """What a memory of the fields `names` that lacks an episode says of its value of the last, and whether it has it.

    A group at a time is taken out and put back at the end, so that what is indexed of the others stays. Till `goes_on`
    ends it.
    """
    columns, target = block.traces.columns, names[-1]
    size = block.traces.size
    of, own = block.traces, {name: columns[name].copy() for name in names}
    rest = Traces(own, size, kinds=of.kinds, encoder=of.encoder, _times=np.full(size, np.nan))
    standing = np.arange(size)
    for few in dealt:
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


def _score(block: Block, target: str, event: Mapping[str, Value]) -> tuple[float, bool]:
    """What a memory says of an event's value of a field, and whether it is new to it."""
    column, value = block.traces.columns[target], event[target]
    general = block.general({name: each for name, each in event.items() if name != target}, target)
    if _is_line(column):
        return _tail_at(column, column.counts, general, place(value)), False
    code = column.find(value)
    return (float(general.posterior[code]), False) if code >= 0 else (_odds(general), True)


def conformal(block: Block, cue: Mapping[str, Value], target: str, given: Scores, coverage: float) -> ConformalSet:
    """The set for one cue, which may hold nothing; `scores` gave `given`."""
    column, n = block.traces.columns[target], len(given.rows)
    asked = {name: cue[name] for name in sorted(cue) if name in block.traces.columns}
    codes = column.codes[given.rows].astype(np.intp)
    general, without = block.general_and_without(asked, target, given.rows)
    said = general.posterior
    if _is_line(column):
        said = _tails(column, column.counts, general)
        without = said[codes]
    u, least = _drawn(asked, target, given.lot), (1.0 - coverage) * (n + 1)
    inside = _places(said, codes, without, given, _have(block.traces, asked, given.rows), u) > least
    chosen = np.flatnonzero(inside & (column.counts > 0))
    if not _is_line(column):
        below, upto = _ranks(given.met, np.array([_odds(general)]))
        with_unseen = below + u * (upto - below + np.sum(given.is_new) + 1.0) > least
        values = tuple(column.values[code] for code in chosen[np.lexsort((chosen, -said[chosen]))])
        return ConformalSet(values, None, None, bool(with_unseen[0]), n)
    chosen = chosen[~np.isnan(column.numbers[chosen])]
    if not len(chosen):
        return ConformalSet((), None, None, False, n)
    low, high = (chosen[at(column.numbers[chosen])] for at in (np.argmin, np.argmax))
    return ConformalSet((), column.values[low], column.values[high], False, n)


def _places(said: Floats, codes: Rows, without: Floats, given: Scores, is_alike: Mask, u: float) -> Floats:
    """float64[V], (n + 1) p(y) of each value. The episodes have `codes`, int[n], and `without` float64[n] is what would
    be said of their own value without them; those that are `is_alike` have the cue."""
    below, upto = _ranks(given.rising, said)
    was_below, was_upto = _relation(given.scored, said[codes])
    is_below, is_upto = _relation(given.scored, without)
    is_equal = is_alike | given.is_new
    np.add.at(below, codes, (is_below & ~is_equal).astype(np.intp) - was_below)
    np.add.at(upto, codes, (is_upto | is_equal).astype(np.intp) - was_upto)
    return below + u * (upto - below + 1.0)


def _ranks(rising: Floats, said: Floats) -> tuple[Rows, Rows]:
    """int[V]: how many of the scores are lower than each, and how many are no higher."""
    below, upto = _edges(said)
    return np.searchsorted(rising, below, "left"), np.searchsorted(rising, upto, "right")


def _relation(scored: Floats, said: Floats) -> tuple[Mask, Mask]:
    """bool[n]: whether each score is lower, and whether it is no higher."""
    below, upto = _edges(said)
    return scored < below, scored <= upto


def _edges(said: Floats) -> tuple[Floats, Floats]:
    """Between which scores are equal."""
    return said * (1.0 - NEAR), said * (1.0 + NEAR)


def _have(traces: Traces, cue: Mapping[str, Value], rows: Rows) -> Mask:
    """bool[n]: which of the episodes have all of the cue's values."""
    found = np.ones(len(rows), dtype=bool)
    for name, value in cue.items():
        found &= traces.columns[name].codes[rows] == traces.columns[name].find(value)  # the episodes have every field
    return found


def _drawn(cue: Mapping[str, Value], target: str, lot: bytes) -> float:
    """u in [0, 1), by chance as far as any value is concerned, and the same for the same question."""
    told = repr((target, [(name, identity(value)) for name, value in cue.items()], lot))
    return int.from_bytes(hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=6).digest()) / 2.0**48


def _odds(general: Generalisation) -> float:
    """Of a value that is not stored."""
    return general.novel / (1.0 - general.novel)


def _is_line(column: Column) -> bool:
    return column.kind in ("number", "time")


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
