"""Imports: many episodes at once, as JSON items, as a stream of lines, or as a file."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from handlers import replies
from handlers.calls import Call
from recollect import service
from recollect.model import ImportFormat
from recollect.service.imports import ImportPlan
from recollect.tables import read_options

_FORMS = {
    "application/x-ndjson": ImportFormat.JSONL,
    "text/csv": ImportFormat.CSV,
    "application/octet-stream": ImportFormat.FILE,
}


async def import_episodes(call: Call, start_line: int = 1, *, preview: bool = False, **said: Any) -> Response:
    """Store every record that can be stored and report the others."""
    name, renamed = said.pop("source", None), said.pop("map", ())
    report = await service.import_episodes(
        call.runtime,
        call.scope,
        call.body["items"] if call.stream is None else call.stream,
        form=_FORMS.get(call.media_type, ImportFormat.ITEMS),
        start_line=start_line,
        plan=ImportPlan(read_options(**said, renamed=renamed), name, preview),
        idempotency_key=call.header(b"idempotency-key"),
    )
    return replies.document(call, report)
