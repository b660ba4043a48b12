"""Problems (RFC 9457): the error tree as replies. `problem_types.yaml` is the one total table.

An error's own code decides its type, else the code of its nearest ancestor in the tree.
A reply says what failed, why, with which numbers, and what to change in the request as
it was sent; it never repeats a value of the request, and never more than 8 KB.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import yaml
from starlette.responses import Response

from recollect.errors import Change, Diagnosis, RecollectError, Suggestion
from recollect.model import CueNote
from recollect.service import remedies

MEDIA_TYPE = "application/problem+json"
MAX_BYTES = 8_192
MAX_INSTANCE = 1_024
_OPTIONAL = frozenset(("context", "diagnosis", "errors", "suggestions"))
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY
_CODE = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row of the table."""

    slug: str
    code: str
    title: str
    status: int
    meaning: str
    causes: list[str]
    remedy: str


def reply(error: RecollectError, *, request_id: str, instance: str, body: Any = None, root_path: str = "") -> Response:
    """The reply that tells an error."""
    whole = document(error, request_id=request_id, body=body, instance=instance, root_path=root_path)
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", **error.headers}
    return Response(encode(whole), status_code=whole["status"], headers=headers)


def document(
    error: RecollectError,
    *,
    request_id: str,
    body: Any = None,
    instance: str | None = None,
    within: Sequence[str] = (),
    root_path: str = "",
) -> dict[str, Any]:
    """An error's public form. `within` leads from the request's root to the item that failed."""
    kind = type_of(error)
    public: dict[str, Any] = {
        "type": f"{root_path}/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": error.detail,
        "code": error.code,
        "retryable": error.retryable,
        "request_id": request_id,
    }
    if instance is not None:
        public["instance"] = quote(root_path + instance, safe="/:@!$&'()*+,;=")[:MAX_INSTANCE]
    if error.violations:
        public["errors"] = error.violations
    if error.diagnosis is not None:
        public["diagnosis"] = _diagnosis(error.diagnosis)
    if error.context:
        public["context"] = error.context
    offered = remedies.suggestions(error)
    if offered:
        public["suggestions"] = [_suggestion(each, body, within) for each in offered]
    return public


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "stage": diagnosis.stage,
        "summary": diagnosis.summary,
        "measurements": diagnosis.measurements,
        **cue_notes(diagnosis.cue_notes),
    }


def cue_notes(notes: Sequence[CueNote]) -> dict[str, Any]:
    """The member `cue_notes` where there are any."""
    return {"cue_notes": [_cue_note(note) for note in notes]} if notes else {}


def _cue_note(note: CueNote) -> Mapping[str, Any]:
    public: dict[str, Any] = {"code": note.code, "field": note.field, "message": note.message}
    if note.read_as is not None:
        public["read_as"] = note.read_as
    if note.nearest:
        public["nearest"] = note.nearest
    return public


def encode(public: dict[str, Any]) -> bytes:
    """The document's JSON; of one that is too large, the longest of the optional parts is cut until it fits."""
    encoded = orjson.dumps(public, option=_OPTIONS)
    while len(encoded) > MAX_BYTES:
        part = max(_OPTIONAL & public.keys(), key=lambda name: len(orjson.dumps(public[name], option=_OPTIONS)))
        items = public[part]
        if isinstance(items, list | tuple) and len(items) > 1:
            public = {**public, part: items[: len(items) // 2]}
        else:
            public = {name: value for name, value in public.items() if name != part}
        encoded = orjson.dumps(public, option=_OPTIONS)
    return encoded


def type_of(error: RecollectError) -> ProblemType:
    """The row of an error: by its own code, else by the nearest code up the tree."""
    kind = BY_CODE.get(error.code)
    if kind is not None:
        return kind
    for ancestor in type(error).__mro__:
        kind = BY_CODE.get(getattr(ancestor, "code", ""))
        if kind is not None:
            return kind
    return BY_CODE["UNEXPECTED"]


def describe(kind: ProblemType) -> str:
    """A problem type as HTML for people."""
    causes = "".join(f"<li>{marked(cause)}</li>" for cause in kind.causes)
    return (
        f"<p>Status <code>{kind.status}</code>, code <code>{html.escape(kind.code)}</code>.</p>"
        f"<h2>What it means</h2><p>{marked(kind.meaning)}</p>"
        f"<h2>Where it comes from</h2><ul>{causes}</ul>"
        f"<h2>What to do</h2><p>{marked(kind.remedy)}</p>"
    )


def marked(text: str) -> str:
    """The table's text as HTML: what stands between backticks is code."""
    return _CODE.sub(r"<code>\1</code>", html.escape(text))


def patch(changes: Iterable[Change], body: Any, within: Sequence[str] = ()) -> list[dict[str, Any]]:
    """RFC 6902 operations that make the changes in `body`, creating what is missing on the way."""
    operations: list[dict[str, Any]] = []
    created: set[tuple[str, ...]] = set()
    for change in changes:
        path = (*within, *change.path)
        if change.source:
            operations.append({"op": "move", "from": _pointer((*within, *change.source)), "path": _pointer(path)})
            continue
        if change.is_removal:
            operations.append({"op": "remove", "path": _pointer(path)})
            continue
        node = body
        for depth, step in enumerate(path[:-1]):
            node = _child(node, step)
            parent = path[: depth + 1]
            if node is None and parent not in created:
                created.add(parent)
                operations.append({"op": "add", "path": _pointer(parent), "value": {}})
        exists = _child(node, path[-1]) is not None
        operations.append({"op": "replace" if exists else "add", "path": _pointer(path), "value": change.value})
    return operations


def _child(node: Any, step: str) -> Any:
    if isinstance(node, Mapping):
        return node.get(step)
    if isinstance(node, list) and step.isdigit() and int(step) < len(node):
        return node[int(step)]
    return None


def _pointer(path: Iterable[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def _suggestion(suggestion: Suggestion, body: Any, within: Sequence[str]) -> dict[str, Any]:
    public: dict[str, Any] = {
        "id": suggestion.suggestion_id,
        "message": suggestion.message,
        "applicability": suggestion.applicability,
    }
    if suggestion.changes or suggestion.operations:
        public["patch"] = [*suggestion.operations, *patch(suggestion.changes, body, within)]
    if suggestion.headers:
        public["headers"] = suggestion.headers
    if suggestion.expected_effect:
        public["expected_effect"] = suggestion.expected_effect
    return public


def _load() -> dict[str, ProblemType]:
    text = (Path(__file__).parent / "problem_types.yaml").read_bytes()
    rows = yaml.load(text, yaml.CSafeLoader)
    return {row["slug"]: ProblemType(**row) for row in rows}


TYPES = _load()
BY_CODE = {kind.code: kind for kind in TYPES.values()}
