"""A store whose calls are timed, the wait for the flush included. It keeps the promises of the one inside."""

from __future__ import annotations

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from recollect import telemetry
from recollect.store import Store
from recollect.telemetry import traces

# Those that read or write rows for a request. `version`, which is asked before every read, takes less than a clock.
TIMED = frozenset(
    (
        "commit",
        "count_episodes",
        "delete_space",
        "find_receipt",
        "get_artifact",
        "get_episode",
        "get_space",
        "list_feedback",
        "list_spaces",
        "measure_space",
        "page_episodes",
        "put_space",
        "read_journal",
    )
)


def metered(store: Store) -> Store:
    """The store, with the time of its calls told."""
    return cast("Store", _Metered(store))


class _Metered:
    """Passes everything on; a timed call is bound once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name in TIMED:
            found = _timed_write(name, found) if iscoroutinefunction(found) else _timed_read(name, found)
            setattr(self, name, found)
        return found


def _timed_read(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        with traces.span(f"store {name}"), telemetry.metrics().timed("store_seconds", name):
            return call(*arguments, **named)

    return timed


def _timed_write(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    async def timed(*arguments: Any, **named: Any) -> Any:
        with traces.span(f"store {name}"), telemetry.metrics().timed("store_seconds", name):
            return await call(*arguments, **named)

    return timed
