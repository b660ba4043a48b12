"""The current value: what the latest episode with all that a cue says tells of a field.

How far it can be relied upon is read from the space: of two episodes that follow each other in time and agree in the
cue's fields, how often the later one says the same as the earlier, (agreeing + 1/2) / (pairs + 1). It is near 1 for
what stays, such as where somebody lives, and low for what is each event's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.memory.arrays import Mask, Rows
from engine.memory.columns import MISSING, Column, same_records
from engine.memory.traces import Traces
from engine.memory.values import Value


@dataclass(frozen=True, slots=True)
class Current:
    """The value, the `row` that says so last and the first one of its run, `in_a_row` episodes long, of `episodes`.

    `before` is what they said before that, None where they never said otherwise; `confidence` in (0, 1).
    """

    value: Value
    row: int
    since: int
    in_a_row: int
    episodes: int
    before: Value | None
    confidence: float


def current(traces: Traces, cue: Mapping[str, Value], target: str) -> Current | None:
    """The current value of a field; None where no episode whose time is known has all that the cue says and the field.

    Cost O(N F log N) for F fields of the cue.
    """
    column, known = traces.columns[target], [traces.columns.get(name) for name in sorted(cue)]
    if None in known:
        return None
    fields = [each for each in known if each is not None]
    has = (column.codes >= 0) & ~np.isnan(traces.times)
    for each in fields:
        has &= each.codes >= 0
    order = _in_time(traces, fields, np.flatnonzero(has))
    is_asked = np.ones(len(order), dtype=bool)
    for each, name in zip(fields, sorted(cue), strict=True):
        code = each.find(cue[name])
        is_asked &= (each.codes[order] == code) & (code != MISSING)
    own = order[is_asked]
    if not len(own):
        return None
    changes = np.flatnonzero(np.diff(column.codes[own]))
    first = int(changes[-1]) + 1 if len(changes) else 0
    before = column.values[int(column.codes[own[first - 1]])] if first else None
    value = column.values[int(column.codes[own[-1]])]
    lasting = _persistence(column, fields, order)
    return Current(value, int(own[-1]), int(own[first]), len(own) - first, len(own), before, lasting)


def _in_time(traces: Traces, fields: list[Column], rows: Rows) -> Rows:
    """The rows in order of time, those that agree in the fields one after the other."""
    which = same_records((each.codes[rows] for each in fields), len(rows))
    return rows[np.lexsort((rows, traces.times[rows], which))]


def _persistence(column: Column, fields: list[Column], order: Rows) -> float:
    """How often an episode says the same as the one before it that agrees in the fields."""
    follows: Mask = np.ones(max(0, len(order) - 1), dtype=bool)
    for each in fields:
        follows &= np.diff(each.codes[order]) == 0
    same = follows & (np.diff(column.codes[order]) == 0)
    return (float(same.sum()) + 0.5) / (float(follows.sum()) + 1.0)
