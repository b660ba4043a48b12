"""Every error has a code and the details that say what to do."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2

from recollect import errors
from recollect.errors import Change, Diagnosis, Measurement, RecollectError, Suggestion, Violation
from recollect.rpc import statuses
from recollect.rpc.v1 import problem_pb2

TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RecollectError)]


@pytest.mark.parametrize("kind", [kind for kind in TREE if kind is not RecollectError])
def test_every_error_of_the_tree_is_mapped(kind: type[RecollectError]) -> None:
    assert any(ancestor in statuses.CODES for ancestor in kind.__mro__)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.DimensionMismatch, "INVALID_ARGUMENT"),
        (errors.SpaceNotFound, "NOT_FOUND"),
        (errors.Conflict, "ALREADY_EXISTS"),
        (errors.PreconditionFailed, "ABORTED"),
        (errors.InsufficientEvidence, "FAILED_PRECONDITION"),
        (errors.TooLarge, "RESOURCE_EXHAUSTED"),
        (errors.ConvergenceFailure, "INTERNAL"),
        (errors.Unavailable, "UNAVAILABLE"),
    ],
)
def test_codes_are_the_contracts(kind: type[RecollectError], code: str) -> None:
    assert statuses.code_of(kind("x")) is getattr(grpc.StatusCode, code)


def details(error: RecollectError) -> dict[str, object]:
    found = {}
    for each in statuses.status_of(error).details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.PreconditionFailure,
            error_details_pb2.RetryInfo,
            problem_pb2.Advice,
        ):
            if each.Is(kind.DESCRIPTOR):
                message = kind()
                each.Unpack(message)
                found[kind.__name__] = message
    return found


def test_a_refusal_carries_code_numbers_violations_and_advice() -> None:
    found = details(
        errors.InsufficientEvidence(
            "Not enough.",
            context={"cue_overlap": 0.15, "fields": ["a", "b"]},
            violations=[Violation("/targets/0", "TOO_LONG", "at most 128 characters", "200 characters")],
            diagnosis=Diagnosis("ca1_gate", "no_match: nothing fits", (Measurement("best", 0.4, 0.7),)),
            suggestions=[
                Suggestion("lower", "Lower it.", "machine_applicable", (Change(("config", "ca1_threshold"), 0.4),))
            ],
        )
    )
    info, bad, unmet, advice = (found[name] for name in ("ErrorInfo", "BadRequest", "PreconditionFailure", "Advice"))
    assert (info.reason, info.domain) == ("INSUFFICIENT_EVIDENCE", "recollect")
    assert dict(info.metadata) == {"cue_overlap": "0.15", "fields": "a, b"}
    assert (bad.field_violations[0].field, bad.field_violations[0].reason) == ("/targets/0", "TOO_LONG")
    assert unmet.violations[0].subject == "ca1_gate"
    assert (advice.measurements[0].value, advice.measurements[0].required) == (0.4, 0.7)
    suggestion = advice.suggestions[0]
    assert suggestion.applicability == problem_pb2.APPLICABILITY_MACHINE_APPLICABLE
    assert (list(suggestion.changes[0].path), suggestion.changes[0].value.real) == (["config", "ca1_threshold"], 0.4)


def test_what_can_be_retried_says_when() -> None:
    found = details(errors.RateLimited("Slow down.", headers={"Retry-After": "7"}))
    assert found["RetryInfo"].retry_delay.seconds == 7


def test_a_status_stays_small_however_much_there_is_to_say() -> None:
    violations = [Violation(f"/fields/{'x' * 200}{i}", "TYPE", "y" * 100, "z" * 100) for i in range(20)]
    error = errors.InvalidRequest("d" * 5000, context={f"c{i}": "v" * 500 for i in range(5)}, violations=violations)
    status = statuses.status_of(error)
    assert len(status.SerializeToString()) < 6000
    assert status.details[0].Is(error_details_pb2.ErrorInfo.DESCRIPTOR)
