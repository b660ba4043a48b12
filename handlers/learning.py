"""What a space has learned, and how far its confidences can be trusted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, TypeVar

from starlette.responses import Response

from handlers import diagram, problems, replies
from handlers.calls import Call
from handlers.conditions import etag
from recollect import service
from recollect.errors import Unavailable, Unexpected
from recollect.model import (
    Audit,
    AuditRequest,
    Consolidation,
    Contradiction,
    EvaluateRequest,
    Evaluation,
    FeedbackInput,
    Job,
    Quality,
    Source,
    SuspectCell,
    Verdict,
)

Examination = TypeVar("Examination", EvaluateRequest, AuditRequest)


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


async def evaluate_space(call: Call) -> Response:
    """Measure how well the space would fill gaps like its own."""
    request, wait = _examination(call, EvaluateRequest)
    found = await service.evaluate_space(call.runtime, call.scope, request, wait=wait)
    return _examined(call, found.job, _evaluation(call, found), "evaluation")


async def get_evaluation(call: Call) -> Response:
    """How the last evaluation went or is going."""
    return replies.document(call, _evaluation(call, await service.get_evaluation(call.runtime, call.scope)))


async def audit_space(call: Call) -> Response:
    """Find the stored cells that are probably wrong."""
    request, wait = _examination(call, AuditRequest)
    found = await service.audit_space(call.runtime, call.scope, request, wait=wait)
    return _examined(call, found.job, _audit(call, found), "audit")


async def get_audit(call: Call, limit: int = 100, cursor: str | None = None) -> Response:
    """How the last audit went or is going, and a page of what it found."""
    found = await service.get_audit(call.runtime, call.scope, limit=limit, cursor=cursor)
    return replies.document(call, _audit(call, found))


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
        "prior_stored": found.prior_stored,
    }
    return replies.document(call, public)


async def get_threshold(call: Call, target_accuracy: float, field: str | None = None) -> Response:
    """From which confidence on answers may be acted upon."""
    found = await service.get_threshold(call.runtime, call.scope, target_accuracy=target_accuracy, field=field)
    return replies.document(call, asdict(found))


async def list_duplicates(call: Call, min_probability: float = 0.5, limit: int = 100) -> Response:
    """Pairs of episodes that probably tell of one event."""
    found = await service.list_duplicates(call.runtime, call.scope, min_probability=min_probability, limit=limit)
    return replies.document(call, {"items": found})


async def list_contradictions(
    call: Call, entity: str | None = None, field: str | None = None, min_probability: float = 0.5, limit: int = 100
) -> Response:
    """What episodes say differently of one event or entity."""
    found = await service.list_contradictions(
        call.runtime, call.scope, entity=entity, field=field, min_probability=min_probability, limit=limit
    )
    return replies.document(call, {"items": [_contradiction(each) for each in found]})


def _contradiction(found: Contradiction) -> dict[str, Any]:
    values = [_present(asdict(each)) for each in found.values]
    return _present(asdict(found)) | {"values": values}


def _examination(call: Call, kind: type[Examination]) -> tuple[Examination, bool]:
    """The request of an evaluation or an audit, and whether to wait for it."""
    wanted = dict(call.body)
    wait = wanted.pop("wait", False)
    if "fields" in wanted:
        wanted["fields"] = tuple(wanted["fields"])
    return kind(**wanted), wait


def _examined(call: Call, job: Job, document: dict[str, Any], name: str) -> Response:
    if job.is_over:
        return replies.document(call, document)
    location = f"{call.operation.base_path}/{name}".encode("ascii")
    return replies.document(call, document, 202, [(b"location", location)])


def _evaluation(call: Call, found: Evaluation) -> dict[str, Any]:
    public = _job(call, found.job)
    if found.overall is not None:
        public |= {
            "target_accuracy": found.target_accuracy,
            "overall": _quality(found.overall),
            "fields": [
                {"field": each.field, "type": each.type, "quality": _quality(each.quality)} for each in found.fields
            ],
            "worst": found.worst,
        }
    return public


def _quality(found: Quality) -> dict[str, Any]:
    """Distances are told of numbers only."""
    distances = ("mean_absolute_error", "base_mean_absolute_error")
    return {name: value for name, value in asdict(found).items() if value is not None or name not in distances}


def _audit(call: Call, found: Audit) -> dict[str, Any]:
    public = _job(call, found.job)
    if found.cells is not None:
        public |= {
            "cells": found.cells,
            "suspects": found.suspects,
            "field_rates": found.field_rates,
            "source_rates": found.source_rates,
            "groups": [_present(asdict(each)) for each in found.groups],
            "items": [_suspect(each) for each in found.items],
            "next_cursor": found.next_cursor,
        }
    return public


def _suspect(found: SuspectCell) -> dict[str, Any]:
    evidence = [{"episode_id": episode_id, "weight": weight} for episode_id, weight in found.evidence]
    return _present(asdict(found)) | {"evidence": evidence}


def _job(call: Call, job: Job) -> dict[str, Any]:
    return _with_problem(call, _present(asdict(job)), "EXAMINATION_INTERRUPTED", "The examination failed.")


def _consolidation(call: Call, state: Consolidation) -> dict[str, Any]:
    return _with_problem(call, _present(asdict(state)), "CONSOLIDATION_INTERRUPTED", "The consolidation failed.")


def _with_problem(call: Call, public: dict[str, Any], interrupted: str, failed: str) -> dict[str, Any]:
    """What tells of a job, with its failure as a problem."""
    code, detail = public.pop("code", None), public.pop("detail", None)
    if code is not None:
        kind = Unavailable if code == interrupted else Unexpected
        fault = kind(detail or failed, code=code)
        root_path = call.runtime.settings.root_path
        public["problem"] = problems.document(fault, request_id=call.request_id, root_path=root_path)
    return public


def _present(public: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known."""
    return {name: value for name, value in public.items() if value is not None}
