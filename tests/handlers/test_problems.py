"""Problems: every error has its type, and a suggestion's patch applies to the request as it was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers import problems
from recollect import errors
from recollect.errors import Change, InsufficientEvidence, InvalidRequest, RecollectError, Suggestion, Violation
from tests.handlers.test_operations import patched


def tree(root: type[RecollectError] = RecollectError) -> list[type[RecollectError]]:
    return [root, *(each for child in root.__subclasses__() for each in tree(child))]


STATUSES = {
    "InvalidRequest": 400, "DimensionMismatch": 400, "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404,
    "SpaceNotFound": 404, "EpisodeNotFound": 404, "CompletionNotFound": 404,
    "RouteNotFound": 404, "MethodNotAllowed": 405, "NotAcceptable": 406,
    "Conflict": 409, "PreconditionFailed": 412, "TooLarge": 413, "UnsupportedMediaType": 415, "RateLimited": 429,
    "HeadersTooLarge": 431, "InsufficientEvidence": 422, "ConvergenceFailure": 500, "Unexpected": 500,
    "RecollectError": 500, "Unavailable": 503, "Damaged": 503, "StorageFull": 507, "DeadlineExceeded": 504,
}  # fmt: skip


@pytest.mark.parametrize("kind", tree(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_tree_has_its_status(kind: type[RecollectError]) -> None:
    document = problems.document(kind("Why."), request_id="req_1")
    assert document["status"] == STATUSES[kind.__name__]
    assert document["code"] == kind.code
    assert kind.__name__ in (errors.__doc__ or "") or kind is RecollectError


def test_a_code_without_a_type_of_its_own_has_its_ancestors() -> None:
    document = problems.document(InvalidRequest("Why.", code="NEW_CODE"), request_id="req_1")
    assert (document["code"], document["type"]) == ("NEW_CODE", "/problems/invalid-request")


REQUESTS: list[Any] = [
    {},
    {"config": {}},
    {"config": {"ca1_threshold": 0.9}},
    {"config": {"num_hypotheses": 1}, "targets": ["a"]},
]


@pytest.mark.parametrize("request_body", REQUESTS, ids=json.dumps)
def test_a_patch_applies_to_the_request_as_it_was_sent(request_body: Any) -> None:
    changes = [Change(("config", "ca1_threshold"), 0.3), Change(("partial_episode", "known_fields", "a/b~c"), 1)]
    after = patched(request_body, problems.patch(changes, request_body))
    assert after["config"]["ca1_threshold"] == 0.3
    assert after["partial_episode"]["known_fields"] == {"a/b~c": 1}
    assert {**after, "config": None} | {"partial_episode": None} == {
        **request_body,
        "config": None,
        "partial_episode": None,
    }


def test_a_patch_of_a_batch_item_points_into_the_batch() -> None:
    batch = {"items": [{}, {"config": {}}]}
    operations = problems.patch([Change(("config", "ca1_threshold"), 0.3)], batch, ("items", "1"))
    assert operations == [{"op": "add", "path": "/items/1/config/ca1_threshold", "value": 0.3}]


def test_a_refusal_is_never_larger_than_eight_kilobytes() -> None:
    violations = [Violation("/" + "x" * 200, "TYPE", "text" * 20, "y" * 50) for _ in range(100)]
    suggestions = [
        Suggestion(str(number), "z" * 300, "maybe_incorrect", (Change(("a",), "b" * 300),)) for number in range(16)
    ]
    error = InsufficientEvidence("Why.", violations=violations, suggestions=suggestions, context={"n": 100})
    encoded = problems.encode(problems.document(error, request_id="req_1"))
    assert len(encoded) <= 8_192
    kept = json.loads(encoded)
    assert kept["errors"]
    assert kept["suggestions"]
    assert kept["context"] == {"n": 100}
