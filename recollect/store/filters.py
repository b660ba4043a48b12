"""A selection as SQL: what SQLite can decide, and what it can see without parsing a document."""

from __future__ import annotations

from typing import Any

from recollect.store import Mention, Selection

# A filtered page looks through this many places at most, then hands back what it has.
SCAN_PLACES = 200_000
# Compact JSON without escapes, without blanks next to a quote and within ASCII writes a text in one way only.
_IS_UNCOMMON = (
    "(instr(document, X'5C') OR instr(document, X'2220') OR instr(document, X'2022')"
    " OR length(CAST(document AS TEXT)) <> length(document))"
)


def where(selection: Selection) -> tuple[str, tuple[Any, ...]]:
    """The clause (to be and-ed) with its bindings; `selection.test` has still to see what passes."""
    clauses: list[str] = []
    bindings: list[Any] = []
    for clause, bound in (
        ("occurred_at_s >= ?", selection.occurred_after_s),
        ("occurred_at_s < ?", selection.occurred_before_s),
        ("origin = ?", selection.origin),
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
    ways = ["instr(document, ?)" for _ in mention.commonly]
    held = list(mention.commonly)
    if mention.uncommonly:
        ways.append(f"(instr(document, ?) AND {_IS_UNCOMMON})")
        held.append(mention.uncommonly)
    return f"({' OR '.join(ways)})", held
