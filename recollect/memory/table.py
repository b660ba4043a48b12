"""A table that is in no space: its rows as the engine's traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from engine import Traces
from recollect.memory.space import moment_of
from recollect.model import Fields

ROWS_AT_ONCE = 10_000


def as_traces(rows: Iterable[Fields], kinds: Mapping[str, str] | None = None) -> Traces:
    """The rows in their order; a row's time is that of its first field that holds one."""
    traces = Traces(kinds=dict(kinds or {}))
    left = iter(rows)
    while piece := list(islice(left, ROWS_AT_ONCE)):
        traces.extend(piece, [moment_of(None, row) for row in piece], [None] * len(piece))
    return traces
