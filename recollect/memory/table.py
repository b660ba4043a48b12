"""A table that is in no space: its rows as the engine's traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine import Traces
from recollect.memory.space import moment_of
from recollect.model import Fields


def as_traces(rows: Iterable[Fields], kinds: Mapping[str, str] | None = None) -> Traces:
    """The rows in their order; a row's time is that of its first field that holds one."""
    traces = Traces(kinds=dict(kinds or {}))
    for row in rows:
        fields = dict(row)
        traces.append(fields, moment_of(None, fields), None)
    return traces
