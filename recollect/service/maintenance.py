"""What an operator does to a store itself: look through it, bring a backup in. No transport offers it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recollect import locks
from recollect.errors import Conflict, InvalidRequest, NotFound, RecollectError
from recollect.service.runtime import forget_aside, store_of
from recollect.settings import Settings
from recollect.store import Store, open_store


@dataclass(frozen=True, slots=True)
class NamedFault:
    """One damaged thing; `space` is the memory space's name, "" where it has none or cannot be told."""

    table: str
    space: str
    row: str


async def check_store(settings: Settings) -> list[NamedFault]:
    """Look through the whole store, also while it is served; raises NotFound where there is none."""
    store = store_of(settings)
    if not store.exists():
        raise NotFound("There is no store in this data folder.", code="STORE_NOT_FOUND")
    store.open()
    try:
        faults = await asyncio.to_thread(store.check)
        names = _names(store) if faults else {}
        return [NamedFault(each.table, names.get(each.uid, ""), each.row) for each in faults]
    finally:
        await store.close()


def restore_store(settings: Settings, backup: Path) -> Path | str | None:
    """Put a backup in the store's place; where the store before it went. Raises Conflict while it is served."""
    with _alone(settings.data):
        before = store_of(settings).restore(backup)
        forget_aside(settings)
        return before


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was brought from one store into another, and the digest that both give."""

    spaces: int
    episodes: int
    keys: int
    digest: str


def migrate_store(source: str, target: str) -> Migrated:
    """Fill the store at one address from that at another, all or nothing; both keep still meanwhile.

    Raises NotFound, Conflict (STORE_NOT_EMPTY, DATA_FOLDER_IN_USE) or Damaged; then nothing has changed.
    """
    stores = []
    for url in (source, target):
        try:
            stores.append(open_store(url))
        except ValueError as fault:
            raise InvalidRequest(f"{url.partition('://')[0]}: {fault}") from None
    origin, destination = stores
    if source == target:
        raise Conflict("Both addresses name the same store.")
    if not origin.exists():
        raise NotFound("There is no store at the first address.", code="STORE_NOT_FOUND")
    with origin.reserved(), destination.reserved():
        digest = destination.fill(origin.dump())
    counts = digest.counts
    return Migrated(counts.get("space", 0), counts.get("episode", 0), counts.get("access_key", 0), digest.text())


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    with locks.held(data / locks.SERVING) as is_ours:
        if not is_ours:
            raise Conflict("A server runs on this data folder: end it first.", code="DATA_FOLDER_IN_USE")
        yield


def _names(store: Store) -> dict[int | None, str]:
    """Names by internal id, as far as they can be read."""
    names: dict[int | None, str] = {}
    after: str | None = None
    try:
        while spaces := store.list_spaces(after, 1000):
            after = spaces[-1].space_id
            names.update((space.uid, space.space_id) for space in spaces)
    except RecollectError:
        pass
    return names
