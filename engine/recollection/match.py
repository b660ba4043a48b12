"""Stored or new: how far the values of a new event stray from those of the stored event it is most like.

Both hypotheses of a cue are one mixture over the N stored events (kernel density estimation):

    P(q | stored) = 1/N sum_k prod_f P(q_f | x_kf as cues are damaged)
    P(q | new)    = 1/N sum_k prod_f [ b_f0 + b_f1 broad(q_f, x_kf) + b_f2 close(q_f, x_kf) + b_f3 1[q_f = x_kf] ]

each kernel as a ratio to the chance of the value at all. b_f, sum 1, is fitted per field by leave-one-out likelihood:
episodes are replayed with some of their fields, each against all the others, and EM gives every kernel the share of
the values that it explains. Nothing in it is set by hand.

Sources: Aitchison & Aitken 1976 (kernels for categories); Good 1953; Dempster, Laird & Rubin 1977 (EM).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Codes, Floats, Rows
from engine.memory.columns import Column
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import KERNEL_PSEUDO, KERNEL_REPLAYS, KERNEL_ROUNDS, KERNEL_ROWS, RECOLLECTION_WIDTH, SEED
from engine.recollection.evidence import UNKNOWN_KERNEL, Kernel, weigh_field


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a replay: float64[R, 4] what each kernel explains, and which of the R each episode has, int[N].

    The first are of values that are like the asked one, then come all others, last what lacks the field.
    """

    name: str
    parts: Floats
    which: Rows

    @classmethod
    def of(cls, name: str, parts: Floats, codes: Codes) -> _Field:
        """From float64[V + 1, 4] by value and the values of the episodes."""
        broad, close, same = parts[:-1, 1:].T > 0.0
        alike = np.flatnonzero(broad | close | same)
        which = np.full(len(parts), len(alike), dtype=np.intp)
        which[alike], which[-1] = np.arange(len(alike)), len(alike) + 1
        others = [[parts[-1, 0], 0.0, 0.0, 0.0], parts[-1]]  # a random value is as likely, whatever else it is
        return cls(name, np.concatenate([parts[alike], others]), which[codes])


def fit_kernels(traces: Traces) -> Mapping[str, Kernel]:
    """float64[4] per field: b_f, of the first 2^k episodes and of nothing that came after them.

    So it changes only when the space doubles or loses one of them, and whoever reads the space finds the same.
    Cost O(R F N) of each of KERNEL_ROUNDS, R = KERNEL_REPLAYS, N at most KERNEL_ROWS.
    """
    size = 1 << max(0, traces.size.bit_length() - 1)
    sample = traces.only(np.arange(0, size, -(-size // KERNEL_ROWS)))
    asked = np.random.default_rng(SEED).choice(sample.size, size=min(KERNEL_REPLAYS, sample.size), replace=False)
    kernels = dict.fromkeys(sample.columns, UNKNOWN_KERNEL)
    replays = [(row, _replay(sample, row)) for row in sorted(asked.tolist())]
    for _ in range(KERNEL_ROUNDS if sample.size > 1 else 0):
        credit = {name: np.full(4, KERNEL_PSEUDO) for name in kernels}
        for row, fields in replays:
            _explain(row, fields, kernels, credit, sample.size)
        kernels = {name: own / own.sum() for name, own in credit.items()}
    return kernels


def _replay(traces: Traces, row: int) -> list[_Field]:
    """Some of an episode's fields as a cue, one at least, each weighed as if the episode had never been stored."""
    values = traces.fields(row)
    return [
        _Field.of(name, left_out_parts(traces.columns[name], values[name]), traces.columns[name].codes)
        for name in fields_asked(sorted(values), row)
    ]


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


def _explain(
    place: int, fields: list[_Field], kernels: Mapping[str, Kernel], credit: dict[str, Floats], size: int
) -> None:
    """Add to `credit` what each kernel explains of one replay, the replayed episode itself not asked."""
    total, mixed = np.zeros(size), []
    for field in fields:
        mixed.append(np.maximum(field.parts @ kernels[field.name], 1e-300))
        total += np.log(mixed[-1])[field.which]
    total[place] = -np.inf
    weights = np.exp(total - total.max())
    weights /= weights.sum()
    for field, mix in zip(fields, mixed, strict=True):
        # those that lack it tell nothing
        by_value = np.bincount(field.which, weights=weights, minlength=len(mix))[:-1]
        credit[field.name] += (by_value / mix[:-1]) @ field.parts[:-1] * kernels[field.name]
