"""A whole store as rows, the same from every kind of store, with a digest that says that two hold the same.

A row is a table's name and the values of its columns, verified. The rows of a space follow one another; the table
`store` comes first, with the incarnation and the last internal id that was ever given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec.msgpack

from recollect.errors import Conflict
from recollect.store.checksums import COLUMNS, damaged, verify

Row = tuple[str, tuple[Any, ...]]
# What lies in a space, and what orders it.
ORDER = {"episode": "key", "journal": "key", "artifact": "name", "feedback": "key", "receipt": "scope"}
_EPISODES, _REVISION = COLUMNS["space"].index("episodes"), COLUMNS["space"].index("revision")


@dataclass(slots=True)
class Digest:
    """Over rows in their order, with how many there were."""

    _hash: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    counts: dict[str, int] = field(default_factory=dict)

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows as they come, each taken into the digest."""
        for table, values in rows:
            self._hash.update(msgspec.msgpack.encode((table, *values)))
            self.counts[table] = self.counts.get(table, 0) + 1
            yield table, values

    def take(self, rows: Iterable[Row]) -> None:
        """Take all of them."""
        for _ in self.over(rows):
            pass

    def text(self) -> str:
        """The digest so far."""
        return str(self._hash.hexdigest())


Select = Callable[[str, int | None], Iterable[tuple[Any, ...]]]


def rows_of(head: tuple[bytes, int], uids: Iterable[int], select: Select) -> Iterator[Row]:
    """Every row; raises Damaged for one that does not hold and for a space that lacks some.

    `select` reads a table's rows with their checksums, of one space or, with None, all of them, in order.
    """
    yield "store", head
    for uid in uids:
        (space,) = (verify("space", row) for row in select("space", uid))
        yield "space", space
        counts = dict.fromkeys(ORDER, 0)
        for table in ORDER:
            for row in select(table, uid):
                counts[table] += 1
                yield table, verify(table, row)
        if counts["episode"] != space[_EPISODES] or counts["journal"] != space[_REVISION]:
            raise damaged(f"space {uid}")
    for row in select("access_key", None):
        yield "access_key", verify("access_key", row)


def not_empty() -> Conflict:
    """The refusal of a target that holds something."""
    return Conflict("The store to be filled is not empty: it holds spaces or keys.", code="STORE_NOT_EMPTY")
