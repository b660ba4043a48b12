"""Names of fields that there are not: which were meant, and the change that names them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import engine
from engine import Traces
from recollect.errors import Change, InvalidRequest, Suggestion, Violation
from recollect.model import AuditRequest, EvaluateRequest

LISTED = 20

# The fields that a request names, each by its place in the body, or in the query.
NamedFields = Mapping[tuple[str, ...], str]


def named_in(request: EvaluateRequest | AuditRequest) -> NamedFields:
    """The fields that an examination names."""
    named: dict[tuple[str, ...], str] = {("fields", str(n)): name for n, name in enumerate(request.fields or ())}
    if isinstance(request, AuditRequest) and request.source_field:
        named["source_field",] = request.source_field
    return named


def require_fields(traces: Traces, named: NamedFields) -> None:
    """Raise InvalidRequest where a field that is asked for is in no episode."""
    unknown = {path: name for path, name in named.items() if name not in traces.columns}
    if not unknown:
        return
    suggestion = meant(unknown, traces.columns)
    raise InvalidRequest(
        f"No episode has the field '{next(iter(unknown.values()))}'. {suggestion.message}",
        code="UNKNOWN_FIELD",
        context={"fields": len(traces.columns), "unknown_fields": len(unknown)},
        violations=[
            Violation(f"/{'/'.join(path)}", "UNKNOWN_FIELD", "a field that some episode has", "another name")
            for path in unknown
        ],
        suggestions=(suggestion,),
    )


def meant(unknown: NamedFields, known: Collection[str]) -> Suggestion:
    """The nearest names in the place of unknown ones, or all that there are where one is unlike any."""
    near = {path: found[0] for path, name in unknown.items() if (found := engine.closest(name, known, 1))}
    if len(near) < len(unknown):
        listed = ", ".join(f"'{name}'" for name in list(known)[:LISTED])
        more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
        return Suggestion("name_fields", f"Name fields that there are: {listed}{more}.", "needs_value")
    spelt = ", ".join(f"'{near[path]}' instead of '{name}'" for path, name in unknown.items())
    changes = tuple(Change(path, near[path]) for path in unknown if path[0] != "query")
    applicability = "maybe_incorrect" if changes else "needs_value"
    return Suggestion("rename_fields", f"Name {spelt}, if that is meant.", applicability, changes)
