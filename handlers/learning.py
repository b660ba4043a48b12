"""What a space has learned, and how far its confidences can be trusted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from handlers import diagram, problems, replies
from handlers.calls import Call
from handlers.conditions import etag
from recollect import service
from recollect.errors import Unavailable, Unexpected
from recollect.model import Consolidation, FeedbackInput, Source, Verdict


async def create_feedback(call: Call) -> Response:
    """Say whether a completed field was right."""
    body = call.body
    given = FeedbackInput(
        body["completion_id"],
        body["field"],
        Verdict(body["verdict"]) if "verdict" in body else None,
        body.get("true_value"),
    )
    taken = await service.create_feedback(
        call.runtime, call.scope, given, idempotency_key=call.header(b"idempotency-key")
    )
    location = f"{call.operation.base_path}/calibration".encode("ascii")
    body = _present(asdict(taken))
    headers = [(b"location", location), (b"etag", etag(taken.revision, body.pop("incarnation")))]
    return replies.document(call, body, 201, headers)


async def consolidate(call: Call) -> Response:
    """Learn regularities from the stored episodes."""
    state = await service.consolidate(call.runtime, call.scope, wait=call.body.get("wait", False))
    if state.is_over:
        return replies.document(call, _consolidation(call, state))
    location = f"{call.operation.base_path}/consolidation".encode("ascii")
    return replies.document(call, _consolidation(call, state), 202, [(b"location", location)])


async def get_consolidation(call: Call) -> Response:
    """How the last consolidation went or is going."""
    return replies.document(call, _consolidation(call, await service.get_consolidation(call.runtime, call.scope)))


async def list_patterns(call: Call, limit: int = 100, cursor: str | None = None) -> Response:
    """The regularities that the space has learned."""
    return replies.document(call, await service.list_patterns(call.runtime, call.scope, limit=limit, cursor=cursor))


async def get_calibration(call: Call, field: str | None = None, source: str | None = None) -> Response:
    """How far the space's confidences can be trusted, in numbers or drawn."""
    chosen = None if source is None else Source(source)
    found = await service.get_calibration(call.runtime, call.scope, field=field, source=chosen)
    if call.produces == diagram.SVG:
        about = ", ".join(part for part in (field, source) if part)
        return replies.drawing(call, diagram.reliability_diagram(found, about))
    public: dict[str, Any] = {
        "status": "fitted" if found.is_fitted else "too_few",
        "n": found.n,
        "feedback": found.feedback,
        "ece": found.ece,
        "brier": found.brier,
        "bins": found.bins,
        "method": found.method,
        "fitted_at": found.fitted_at,
    }
    return replies.document(call, public)


def _consolidation(call: Call, state: Consolidation) -> dict[str, Any]:
    public = _present(asdict(state))
    code, detail = public.pop("code", None), public.pop("detail", None)
    if code is not None:
        kind = Unavailable if code == "CONSOLIDATION_INTERRUPTED" else Unexpected
        fault = kind(detail or "The consolidation failed.", code=code)
        public["problem"] = problems.document(fault, request_id=call.request_id)
    return public


def _present(public: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known."""
    return {name: value for name, value in public.items() if value is not None}
