"""Episodes that say the same, wholly or but for one field."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from engine.memory.columns import same_records
from engine.memory.traces import Traces

FEWEST_FIELDS = 3  # of fewer, the same by chance says little


def alike(traces: Traces, most: int) -> list[tuple[tuple[int, ...], str | None]]:
    """At most `most` groups of rows: the same in all fields (None), then the same in all but the named one.

    Cost O(F^2 N log N) for F fields.
    """
    columns = {name: column.codes for name, column in traces.columns.items()}
    if len(columns) < FEWEST_FIELDS or traces.size < 2:
        return []
    whole = same_records(columns.values(), traces.size)
    found: list[tuple[tuple[int, ...], str | None]] = [(rows, None) for rows in _groups(whole)]
    for name in columns:
        rest = same_records((codes for other, codes in columns.items() if other != name), traces.size)
        found += [(rows, name) for rows in _groups(rest) if len({int(whole[row]) for row in rows}) > 1]
        if len(found) >= most:
            break
    return found[:most]


def _groups(which: npt.NDArray[np.intp]) -> Iterator[tuple[int, ...]]:
    """The rows that share a number, where more than one does, in the order of their first."""
    order = np.argsort(which, kind="stable")
    ends = np.flatnonzero(np.diff(which[order])) + 1
    groups = [tuple(part.tolist()) for part in np.split(order, ends) if len(part) > 1]
    yield from sorted(groups)
