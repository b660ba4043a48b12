"""Imports: many episodes at once, as JSON items or as a stream of lines."""

from __future__ import annotations

from starlette.responses import Response

from handlers import replies
from handlers.calls import Call
from recollect import service
from recollect.model import ImportFormat

_FORMS = {"application/x-ndjson": ImportFormat.JSONL, "text/csv": ImportFormat.CSV}


async def import_episodes(call: Call, start_line: int = 1) -> Response:
    """Store every record that can be stored and report the others."""
    report = await service.import_episodes(
        call.runtime,
        call.scope,
        call.body["items"] if call.stream is None else call.stream,
        form=_FORMS.get(call.media_type, ImportFormat.ITEMS),
        start_line=start_line,
        idempotency_key=call.header(b"idempotency-key"),
    )
    return replies.document(call, report)
