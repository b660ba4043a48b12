"""Stored or new: how far the values of a new event stray from those of the stored event it is most like.

Both hypotheses of a cue are one mixture over the N stored events (kernel density estimation):

    P(q | stored) = 1/N sum_k prod_f P(q_f | x_kf as cues are damaged)
    P(q | new)    = 1/N sum_k prod_f [ b_f0 + b_f1 broad(q_f, x_kf) + b_f2 close(q_f, x_kf) + b_f3 1[q_f = x_kf] ]

each kernel as a ratio to the chance of the value at all. b_f, sum 1, is fitted per field by leave-one-out likelihood:
episodes are replayed with some of their fields, each against all the others, and EM gives every kernel the share of
the values that it explains. Nothing in it is set by hand.

The more events are stored, the nearer is the one that a new event is most like, and the less b_f0. A large space is
fitted on M of its episodes, and on halves and quarters of them; what a halving takes from logit(1 - b_f0) is what a
doubling adds, from M up to N.

Sources: Aitchison & Aitken 1976 (kernels for categories); Good 1953; Dempster, Laird & Rubin 1977 (EM).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats, Rows
from engine.memory.columns import Column, same_records
from engine.memory.traces import Traces, mixed
from engine.memory.values import Value
from engine.priors import (
    KERNEL_HALVINGS,
    KERNEL_PSEUDO,
    KERNEL_REPLAYS,
    KERNEL_ROUNDS,
    KERNEL_ROWS,
    RECOLLECTION_WIDTH,
    SEED,
    TIED_BITS,
)
from engine.recollection.evidence import UNKNOWN_KERNEL, Kernel, weigh_field

Lots = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Kernels:
    """b_f float64[4] by field, and what they were fitted on: 2^k episodes, of which those with `lots` uint64[M]."""

    by_field: Mapping[str, Kernel]
    size: int
    lots: Lots


def fit_kernels(traces: Traces, known: Kernels | None = None) -> Kernels:
    """The kernels of a space, from a sample of its first 2^k episodes and from nothing that came after them.

    They change when the space doubles or loses one of the sample; else they are the `known` ones. The sample are the
    episodes of the lowest lots, drawn by what they hold but numbers, whose unit tells nothing: whoever reads the space
    finds the same.
    Cost O(N F), and O(R F M) of each of KERNEL_ROUNDS where they change; M at most KERNEL_ROWS, R KERNEL_REPLAYS.
    """
    size = (1 << traces.size.bit_length()) >> 1
    # Equal lots, which is all there is of numbers alone, in an order of their places that tells nothing.
    tied = np.uint64((1 << TIED_BITS) - 1)
    lots = (traces.lots(slice(size), numbers=False) & ~tied) | (mixed(np.arange(size, dtype=np.uint64)) & tied)
    lowest, is_part = _lowest(lots, KERNEL_ROWS), size > KERNEL_ROWS
    rows = lowest if is_part else np.arange(size)
    asked = list(range(min(KERNEL_REPLAYS, len(rows)))) if is_part else np.sort(lowest[:KERNEL_REPLAYS]).tolist()
    lots = traces.lots(rows)
    if known is not None and known.size == size and np.array_equal(known.lots, lots):
        return known
    sample = traces.only(rows)
    replays = [_replay(sample, row) for row in asked]
    halvings = KERNEL_HALVINGS if is_part else 0
    fits = [_fit(_Replays.of(replays, len(rows) >> n), sample) for n in range(halvings + 1)]
    return Kernels(_grown(fits, size / max(1, len(rows))), size, lots)


def _lowest(lots: Lots, count: int) -> Rows:
    """The rows of the `count` lowest lots, the lowest first; earlier ones first where they are equal."""
    rows = np.arange(len(lots))
    if count < len(lots):
        rows = np.flatnonzero(lots <= np.partition(lots, count - 1)[count - 1])
    return rows[np.argsort(lots[rows], kind="stable")][:count]


@dataclass(frozen=True, slots=True)
class _Replay:
    """An episode asked anew: per field, float64[R, 4] what each kernel explains of its value, by the R ways to differ.

    `kinds` int[F, K] are the ways of each kind of episode in each field, `of` int[N] the kind of every episode. The
    last way is to lack the field.
    """

    parts: Mapping[str, Floats]
    kinds: Rows
    of: Rows
    row: int


def _replay(traces: Traces, row: int) -> _Replay:
    """Some of an episode's fields as a cue, one at least, each weighed as if the episode had never been stored."""
    values = traces.fields(row)
    parts, ways = {}, []
    for name in fields_asked(sorted(values), row):
        column = traces.columns[name]
        parts[name], which = _told_apart(left_out_parts(column, values[name]))
        ways.append(which[column.codes].astype(np.int32))
    of = same_records(ways, traces.size)
    first = np.empty(int(of.max(initial=-1)) + 1, dtype=np.intp)
    first[of[::-1]] = np.arange(traces.size)[::-1]
    return _Replay(parts, np.array([way[first] for way in ways]).reshape(len(ways), len(first)), of, row)


def _told_apart(parts: Floats) -> tuple[Floats, Rows]:
    """float64[R, 4] and int[V + 1]: values that are like the asked one, then all others, last what lacks the field."""
    broad, close, same = parts[:-1, 1:].T > 0.0
    alike = np.flatnonzero(broad | close | same)
    which = np.full(len(parts), len(alike), dtype=np.intp)
    which[alike], which[-1] = np.arange(len(alike)), len(alike) + 1
    others = [[parts[-1, 0], 0.0, 0.0, 0.0], parts[-1]]  # a random value is as likely, whatever else it is
    return np.concatenate([parts[alike], others]), which


def fields_asked(names: list[str], row: int) -> list[str]:
    """As many of the fields of an episode as not, drawn so that no other field has a say in whether one is asked."""
    share = np.random.default_rng([SEED, row]).random()
    lots = {name: np.random.default_rng([SEED, row, zlib.crc32(name.encode())]).random() for name in names}
    return [name for name in names if lots[name] < share] or sorted(names, key=lots.__getitem__)[:1]


def left_out_parts(column: Column, value: Value) -> Floats:
    """float64[V + 1, 4]: `FieldEvidence.parts` of a stored value, one episode with it left out; last: lacking it."""
    evidence = weigh_field(column.name, column, value, RECOLLECTION_WIDTH, left_out=1)
    broad = evidence.near if evidence.broad is None else evidence.broad
    parts = evidence.parts(evidence.near, broad, evidence.told)
    return np.vstack([parts, np.full((1, 4), evidence.met * evidence.surprise)])


@dataclass(frozen=True, slots=True)
class _Asked:
    """One field in all replays that ask it, one after the other: `parts` float64[R, 4], the last way of each replay
    to lack it (`lacks` bool[R]), `places` int[T] the kinds of episodes, `ways` int[T] how they differ in it."""

    parts: Floats
    lacks: npt.NDArray[np.bool_]
    places: Rows
    ways: Rows


@dataclass(frozen=True, slots=True)
class _Replays:
    """All replays, one after the other: `counts` float64[K] how many of the other episodes are of each kind,
    `begins` int[R] where the kinds of each replay begin."""

    fields: Mapping[str, _Asked]
    counts: Floats
    begins: Rows

    @classmethod
    def of(cls, replays: Sequence[_Replay], size: int) -> _Replays:
        """The replays against the first `size` episodes alone."""
        fields: dict[str, list[tuple[Floats, Rows, Rows]]] = {}
        counts, begins, begin = [], [], 0
        for replay in replays:
            found = np.bincount(replay.of[:size], minlength=replay.kinds.shape[1]).astype(np.float64)
            found[replay.of[replay.row]] -= 1.0
            if replay.row >= size or not found.any():
                continue
            kinds = np.flatnonzero(found)
            for name, ways in zip(replay.parts, replay.kinds[:, kinds], strict=True):
                fields.setdefault(name, []).append((replay.parts[name], begin + np.arange(len(kinds)), ways))
            counts.append(found[kinds])
            begins.append(begin)
            begin += len(kinds)
        joined = {name: _joined(each) for name, each in fields.items()}
        return cls(joined, np.concatenate([np.empty(0), *counts]), np.array(begins, dtype=np.intp))


def _joined(each: Sequence[tuple[Floats, Rows, Rows]]) -> _Asked:
    lengths = [len(parts) for parts, _, _ in each]
    ends = np.cumsum(lengths)
    lacks = np.zeros(int(ends[-1]), dtype=np.bool_)
    lacks[ends - 1] = True
    ways = np.concatenate([ways + end - length for (_, _, ways), end, length in zip(each, ends, lengths, strict=True)])
    return _Asked(np.concatenate([p for p, _, _ in each]), lacks, np.concatenate([p for _, p, _ in each]), ways)


def _fit(replays: _Replays, traces: Traces) -> dict[str, Kernel]:
    """float64[4] per field by EM: every kernel in turn the share of the replays' values that it explains."""
    kernels = dict.fromkeys(traces.columns, UNKNOWN_KERNEL)
    for _ in range(KERNEL_ROUNDS if len(replays.begins) else 0):
        likely = {name: np.maximum(asked.parts @ kernels[name], 1e-300) for name, asked in replays.fields.items()}
        total = np.log(replays.counts)
        for name, asked in replays.fields.items():
            total[asked.places] += np.log(likely[name])[asked.ways]
        lengths = np.diff(np.append(replays.begins, len(total)))
        weights = np.exp(total - np.repeat(np.maximum.reduceat(total, replays.begins), lengths))
        weights /= np.repeat(np.add.reduceat(weights, replays.begins), lengths)
        for name, asked in replays.fields.items():
            explained = np.bincount(asked.ways, weights[asked.places], len(asked.parts)) / likely[name]
            explained[asked.lacks] = 0.0  # those that lack it tell nothing
            credit = KERNEL_PSEUDO + (explained @ asked.parts) * kernels[name]
            kernels[name] = credit / credit.sum()
    return kernels


def _grown(fits: Sequence[Mapping[str, Kernel]], times: float) -> dict[str, Kernel]:
    """The kernels of a space `times` as large as the first fit's, the others being those of its halves and quarters.

    All fields grow at the median of their rates: that of a single field is too uncertain to be carried far.
    """
    if len(fits) == 1:
        return dict(fits[0])
    steps = (len(fits) - 1) / 2.0 - np.arange(len(fits))  # doublings, the mean taken out
    told = np.array([[_logit(1.0 - fit[name][0]) for fit in fits] for name in fits[0]])
    rate = float(np.median(told @ steps / (steps @ steps)))
    grown = told.mean(axis=1) + rate * (np.log2(times) + steps[0])
    return {name: _told(kernel, float(each)) for (name, kernel), each in zip(fits[0].items(), grown, strict=True)}


def _logit(chance: float) -> float:
    return float(np.log(chance) - np.log1p(-chance))


def _told(kernel: Kernel, logit: float) -> Kernel:
    """The kernel with another share of what is not random."""
    told = 1.0 / (1.0 + np.exp(-logit))
    return np.append(1.0 - told, told * kernel[1:] / kernel[1:].sum())
