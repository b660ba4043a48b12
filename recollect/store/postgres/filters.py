"""A selection as PostgreSQL's SQL; `recollect.store.filters` is the same for SQLite."""

from __future__ import annotations

from typing import Any

from recollect.store import Mention, Selection

# Compact JSON without escapes, without blanks next to a quote and within ASCII writes a text in one way only.
_IS_UNCOMMON = (
    r"(position('\x5c'::bytea IN document) > 0 OR position('\x2220'::bytea IN document) > 0"
    r" OR position('\x2022'::bytea IN document) > 0 OR length(convert_from(document, 'UTF8')) <> length(document))"
)
_HOLDS = "position(%s::bytea IN document) > 0"


def where(selection: Selection) -> tuple[str, tuple[Any, ...]]:
    """The clause (to be and-ed) with its bindings; `selection.test` has still to see what passes."""
    clauses: list[str] = []
    bindings: list[Any] = []
    for clause, bound in (
        ("occurred_at_s >= %s", selection.occurred_after_s),
        ("occurred_at_s < %s", selection.occurred_before_s),
        ("origin = %s", selection.origin),
    ):
        if bound is not None:
            clauses.append(clause)
            bindings.append(bound)
    for mention in selection.mentions:
        clause, held = _mentions(mention)
        clauses.append(clause)
        bindings += held
    return "".join(f" AND {clause}" for clause in clauses), tuple(bindings)


def _mentions(mention: Mention) -> tuple[str, list[bytes]]:
    ways = [_HOLDS for _ in mention.commonly]
    held = list(mention.commonly)
    if mention.uncommonly:
        ways.append(f"({_HOLDS} AND {_IS_UNCOMMON})")
        held.append(mention.uncommonly)
    return f"({' OR '.join(ways)})", held
