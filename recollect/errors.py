"""Everything that can go wrong, as one tree. Each edge maps the tree to its own statuses.

RecollectError
├── InvalidRequest          the request is malformed or breaks the contract
│   └── DimensionMismatch   a vector of another length than the space's
├── Unauthenticated         no key, or one that does not hold
├── Forbidden               a good key without the scope or the space
├── NotFound
│   ├── SpaceNotFound       with the nearest names the key may see
│   ├── EpisodeNotFound
│   ├── CompletionNotFound  older than a day, of another space, or never given
│   └── RouteNotFound
├── MethodNotAllowed
├── NotAcceptable
├── Conflict                same idempotency key with another body, read-only space, …
├── PreconditionFailed      If-Match or If-None-Match did not hold
├── TooLarge
├── UnsupportedMediaType
├── RateLimited
├── HeadersTooLarge
├── InsufficientEvidence    a valid completion request that the memories cannot answer
├── ConvergenceFailure      the CA3 dynamics did not reach a fixed point
├── Unexpected              a fault of ours; no internals shown
├── Unavailable             overload, warming up, store fenced
│   └── Damaged             something stored is not what was written
├── StorageFull             no room left to make a write durable
└── DeadlineExceeded

`detail` is for a person and carries the numbers; `context` repeats every number
by name. Neither ever echoes a caller's value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recollect.model import CueNote


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a request breaks the contract; `pointer` is a JSON Pointer, never a value."""

    pointer: str
    code: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that decided: what was reached against what was required."""

    name: str
    value: float
    required: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The stage that refused and what it measured."""

    stage: str
    summary: str
    measurements: tuple[Measurement, ...] = ()
    cue_notes: tuple[CueNote, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Set `path` in the request to `value`, move there what stands at `source`, or leave it out (`is_removal`); the
    edge words it (a JSON Patch over HTTP)."""

    path: tuple[str, ...]
    value: Any = None
    source: tuple[str, ...] = ()
    is_removal: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A way to make the request succeed.

    `applicability` is `machine_applicable` (checked: applying `changes` or `headers`
    succeeds), `needs_value` (the caller must supply one) or `maybe_incorrect`.
    """

    suggestion_id: str
    message: str
    applicability: str
    changes: tuple[Change, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    expected_effect: Mapping[str, Any] = field(default_factory=dict)
    operations: tuple[Mapping[str, Any], ...] = ()  # of a JSON Patch, where the edge itself has found the correction


class RecollectError(Exception):
    """The root: a stable code, a sentence for people, the numbers, and what to do."""

    code = "UNEXPECTED"
    title = "Unexpected fault"
    retryable = False

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        context: Mapping[str, Any] | None = None,
        violations: Sequence[Violation] = (),
        diagnosis: Diagnosis | None = None,
        suggestions: Sequence[Suggestion] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.context = dict(context or {})
        self.violations = tuple(violations)
        self.diagnosis = diagnosis
        self.suggestions = tuple(suggestions)
        self.headers = dict(headers or {})


class InvalidRequest(RecollectError):
    code = "INVALID_REQUEST"
    title = "The request breaks the contract"


class DimensionMismatch(InvalidRequest):
    code = "DIMENSION_MISMATCH"
    title = "The vector has another length than the space's"


class Unauthenticated(RecollectError):
    code = "UNAUTHENTICATED"
    title = "A valid key is required"


class Forbidden(RecollectError):
    code = "FORBIDDEN"
    title = "The key does not allow this"


class NotFound(RecollectError):
    code = "NOT_FOUND"
    title = "Not found"


class SpaceNotFound(NotFound):
    code = "SPACE_NOT_FOUND"
    title = "Unknown memory space"


class EpisodeNotFound(NotFound):
    code = "EPISODE_NOT_FOUND"
    title = "Unknown episode"


class CompletionNotFound(NotFound):
    code = "COMPLETION_NOT_FOUND"
    title = "Unknown completion"


class RouteNotFound(NotFound):
    code = "ROUTE_NOT_FOUND"
    title = "No such path"


class MethodNotAllowed(RecollectError):
    code = "METHOD_NOT_ALLOWED"
    title = "The path does not take this method"


class NotAcceptable(RecollectError):
    code = "NOT_ACCEPTABLE"
    title = "No representation fits the Accept header"


class Conflict(RecollectError):
    code = "CONFLICT"
    title = "The request conflicts with what is stored"


class PreconditionFailed(RecollectError):
    code = "PRECONDITION_FAILED"
    title = "The stored version is another one"


class TooLarge(RecollectError):
    code = "TOO_LARGE"
    title = "The request is too large"


class UnsupportedMediaType(RecollectError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    title = "The body's media type is not taken here"


class RateLimited(RecollectError):
    code = "RATE_LIMITED"
    title = "Too many requests"
    retryable = True


class HeadersTooLarge(RecollectError):
    code = "HEADERS_TOO_LARGE"
    title = "The request's headers are too large"


class InsufficientEvidence(RecollectError):
    code = "INSUFFICIENT_EVIDENCE"
    title = "Not enough evidence to complete the episode"


class ConvergenceFailure(RecollectError):
    code = "CONVERGENCE_FAILURE"
    title = "The CA3 dynamics did not converge"


class Unexpected(RecollectError):
    code = "UNEXPECTED"
    title = "Unexpected fault"


class Unavailable(RecollectError):
    code = "UNAVAILABLE"
    title = "The service cannot take this now"
    retryable = True


class Damaged(Unavailable):
    """`where` names what is damaged by table and key, for the log; never by content."""

    code = "STORE_CORRUPT"
    title = "The store is damaged"
    retryable = False
    where = ""


class StorageFull(RecollectError):
    code = "STORAGE_FULL"
    title = "No room to make the write durable"
    retryable = True


class DeadlineExceeded(RecollectError):
    code = "DEADLINE_EXCEEDED"
    title = "The deadline passed"
    retryable = True
