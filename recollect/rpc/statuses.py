"""The error tree as gRPC statuses: one total table, and what a person or a program needs to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from recollect import errors
from recollect.errors import Change, Measurement, RecollectError, Suggestion
from recollect.rpc import writing
from recollect.rpc.v1 import problem_pb2
from recollect.service import remedies

DOMAIN = "recollect"
# Clients refuse metadata over 8 KiB by default; the message and the base64 of others count, too.
MAX_DETAIL_BYTES = 4096
MAX_MESSAGE_CHARACTERS = 1024
MAX_VALUE_CHARACTERS = 200

CODES: Mapping[type[RecollectError], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.RouteNotFound: grpc.StatusCode.UNIMPLEMENTED,
    errors.MethodNotAllowed: grpc.StatusCode.UNIMPLEMENTED,
    errors.NotAcceptable: grpc.StatusCode.INVALID_ARGUMENT,
    errors.Conflict: grpc.StatusCode.ALREADY_EXISTS,
    errors.PreconditionFailed: grpc.StatusCode.ABORTED,
    errors.TooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnsupportedMediaType: grpc.StatusCode.INVALID_ARGUMENT,
    errors.RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.HeadersTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.InsufficientEvidence: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ConvergenceFailure: grpc.StatusCode.INTERNAL,
    errors.Unexpected: grpc.StatusCode.INTERNAL,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.StorageFull: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_APPLICABILITIES: Mapping[str, problem_pb2.Applicability] = {
    "machine_applicable": problem_pb2.APPLICABILITY_MACHINE_APPLICABLE,
    "needs_value": problem_pb2.APPLICABILITY_NEEDS_VALUE,
    "maybe_incorrect": problem_pb2.APPLICABILITY_MAYBE_INCORRECT,
}


def code_of(error: RecollectError) -> grpc.StatusCode:
    """The code of an error: its own, or that of the nearest error up the tree."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL)


def status_of(error: RecollectError) -> status_pb2.Status:
    """The rich status: every detail that fits, the most necessary first."""
    status = status_pb2.Status(code=code_of(error).value[0], message=error.detail[:MAX_MESSAGE_CHARACTERS])
    room = MAX_DETAIL_BYTES
    for detail in _details(error):
        room -= detail.ByteSize() + 64  # its type's name goes with it
        if room < 0:
            break
        status.details.add().Pack(detail)
    return status


def _details(error: RecollectError) -> list[Message]:
    context = {name: _text(value) for name, value in error.context.items()}
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN, metadata=context)]
    retry_after = error.headers.get("Retry-After", "")
    if retry_after.isdigit():
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromSeconds(int(retry_after))
        details.append(retry)
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for each in error.violations:
            bad.field_violations.add(
                field=each.pointer, description=f"expected {each.expected}, found {each.actual}", reason=each.code
            )
        details.append(bad)
    if isinstance(error, errors.InsufficientEvidence | errors.PreconditionFailed | errors.Conflict):
        stage = error.diagnosis.stage if error.diagnosis is not None else "stored_state"
        summary = error.diagnosis.summary if error.diagnosis is not None else error.title
        failure = error_details_pb2.PreconditionFailure()
        failure.violations.add(type=error.code, subject=stage, description=summary)
        details.append(failure)
    if error.diagnosis is not None or remedies.suggestions(error):
        details.append(_advice(error))
    return details


def _advice(error: RecollectError) -> problem_pb2.Advice:
    diagnosis = error.diagnosis
    return problem_pb2.Advice(
        stage=diagnosis.stage if diagnosis is not None else "",
        summary=diagnosis.summary if diagnosis is not None else "",
        measurements=[_measurement(each) for each in diagnosis.measurements] if diagnosis is not None else (),
        suggestions=[_suggestion(each) for each in remedies.suggestions(error)],
        cue_notes=[writing.cue_note(each) for each in diagnosis.cue_notes] if diagnosis is not None else (),
    )


def _measurement(measured: Measurement) -> problem_pb2.Measurement:
    return problem_pb2.Measurement(
        name=measured.name, value=measured.value, required=measured.required, unit=measured.unit
    )


def _suggestion(suggestion: Suggestion) -> problem_pb2.Suggestion:
    message = problem_pb2.Suggestion(
        id=suggestion.suggestion_id,
        message=suggestion.message,
        applicability=_APPLICABILITIES.get(suggestion.applicability, problem_pb2.APPLICABILITY_UNSPECIFIED),
        changes=[_change(each) for each in suggestion.changes],
    )
    message.expected_effect.update(suggestion.expected_effect)
    return message


def _change(change: Change) -> problem_pb2.Change:
    if change.source:
        return problem_pb2.Change(path=change.path, moved_from=change.source)
    if change.is_removal:
        return problem_pb2.Change(path=change.path)
    return problem_pb2.Change(path=change.path, value=writing.value(change.value))


def _text(value: Any) -> str:
    """A context value as text: numbers as they are, lists by their items."""
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    if isinstance(value, float) and math.isfinite(value):
        value = repr(value)
    return str(value)[:MAX_VALUE_CHARACTERS]
