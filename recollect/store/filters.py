"""Which episodes a filter means, as SQL for the bulk of the work and a check for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from recollect.model import EpisodeFilter, FieldValue
from recollect.times import epoch_seconds


@dataclass(frozen=True, slots=True)
class Selection:
    """`clause` (to be and-ed) with its `bindings`, and the fields that `matches` still has to compare."""

    clause: str
    bindings: tuple[Any, ...]
    where: EpisodeFilter

    def matches(self, document: bytes) -> bool:
        """Whether a document that passed the clause really holds the wanted fields."""
        if not self.where.fields:
            return True
        stored = orjson.loads(document)["fields"]
        return all(_is_same(stored.get(name), value) for name, value in self.where.fields.items())


def select(where: EpisodeFilter) -> Selection:
    """The selection of a filter; raises ValueError for a bound that is no RFC 3339 time.

    Documents are compact JSON from one encoder, so a member that is equal is equal in
    its bytes: SQLite looks for those without parsing anything, and only documents that
    contain them are read. They may still mean something else (`"a":1` is in `"a":10`).
    """
    clauses: list[str] = []
    bindings: list[Any] = []
    if where.occurred_after is not None:
        clauses.append("occurred_at_s >= ?")
        bindings.append(epoch_seconds(where.occurred_after))
    if where.occurred_before is not None:
        clauses.append("occurred_at_s < ?")
        bindings.append(epoch_seconds(where.occurred_before))
    if where.origin is not None:
        clauses.append("origin = ?")
        bindings.append(where.origin.value)
    for name, value in where.fields.items():
        clauses.append("instr(document, ?)")
        bindings.append(orjson.dumps({name: value})[1:-1])
    return Selection("".join(f" AND {clause}" for clause in clauses), tuple(bindings), where)


def _is_same(stored: Any, wanted: FieldValue) -> bool:
    """Equality that tells 3, 3.0, true and "3" apart, in lists too."""
    if isinstance(wanted, list):
        return isinstance(stored, list) and len(stored) == len(wanted) and all(map(_is_same, stored, wanted))
    return type(stored) is type(wanted) and stored == wanted
