"""Which episodes are set apart to be asked for again, and the cues made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Rows
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import APART, CUE_SHARES, DAMAGED, JUDGING, LATEST, MOSTLY, REPLAYS, SEED, TARGETS_PER_REPLAY


@dataclass(frozen=True, slots=True)
class Replay:
    """A cue made of an episode, the values it lacks, whether the memory asked has the episode, and whether one of
    the cue's values is wrong."""

    cue: dict[str, Value]
    hidden: dict[str, Value]
    is_stored: bool
    is_damaged: bool = False


def replays(traces: Traces, count: int = REPLAYS, seed: int = SEED) -> tuple[list[int], list[Replay], list[Replay]]:
    """(rows taken out, replays for the memory that has them, replays for the one that has not).

    With times known the rows come from the last fifth: what is new comes after what is stored.
    """
    rng = np.random.default_rng(seed)
    count = min(count, traces.size // APART)
    late = _late(traces, count)
    pool = np.arange(traces.size) if late is None else late
    rows = sorted(int(row) for row in rng.choice(pool, size=count, replace=False))
    stored, new = [], []
    for row in rows:
        fields = traces.fields(row)
        if len(fields) < 2:
            continue
        names = [str(name) for name in rng.permutation(sorted(fields))]
        kept = int(np.clip(round(rng.uniform(*CUE_SHARES) * len(names)), 1, len(names) - 1))
        cue = {name: fields[name] for name in names[:kept]}
        hidden = {name: fields[name] for name in names[kept:][:TARGETS_PER_REPLAY]}
        # What is new is met with most of its fields known; what is remembered, with few.
        new.append(Replay({n: fields[n] for n in names[:-1]}, {names[-1]: fields[names[-1]]}, is_stored=False))
        is_damaged = rng.random() < DAMAGED and kept > 1
        if is_damaged:
            wrong = names[int(rng.integers(kept))]
            column = traces.columns[wrong]
            cue = {**cue, wrong: column.values[int(rng.integers(column.distinct))]}
        stored.append(Replay(cue, hidden, is_stored=True, is_damaged=is_damaged))
    return rows, stored, new


def judging(traces: Traces) -> list[int]:
    """The replayed rows, JUDGING at most and evenly over all of them, by which ways to generalise are compared."""
    rows = replays(traces)[0]
    return [rows[i] for i in np.linspace(0, len(rows) - 1, min(len(rows), JUDGING)).astype(int).tolist()]


def set_apart(traces: Traces) -> list[int]:
    """The rows that a memory lacks which is asked for what is new: with times known all of the last fifth, for
    new events come after the stored ones; without, those that are replayed."""
    late = _late(traces, min(REPLAYS, traces.size // APART))
    return replays(traces)[0] if late is None else sorted(late.tolist())


def _late(traces: Traces, count: int) -> Rows | None:
    """The last fifth by time, `count` rows at least; None where times are not known."""
    known = np.flatnonzero(~np.isnan(traces.times))
    if len(known) <= MOSTLY * traces.size:
        return None
    return known[np.argsort(traces.times[known], kind="stable")][-max(count, traces.size // LATEST) :]
