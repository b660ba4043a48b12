"""What schemathesis must be told about this API that a contract cannot say.

A check that fails is passed over here only, one reason at a time, by the code of the problem
that the service answered with, never by a status alone.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import schemathesis
from openapi_schema_validator import OAS30Validator
from schemathesis import Case, CheckContext, HookContext, Response
from schemathesis.checks import load_all_checks

# Problems that a request in keeping with the contract may meet, because they depend on what is stored.
MET_BY_VALID_REQUESTS = {
    "INSUFFICIENT_EVIDENCE": "whether evidence is enough depends on the memory space; 422 is for this alone",
    "PRECONDITION_FAILED": "whether If-Match holds depends on the stored version",
    "STALE_CURSOR": "a cursor is opaque: only one that a listing gave is good, which a schema cannot say",
    "EXPECTED_COUNT_REQUIRED": "erasing everything needs a member that counting does not: a relation between members",
    "ID_DIFFERS": "the id in the body has to be the one in the path: a relation between two values",
    "FIELD_NOT_COMPLETED": "which fields a completion completed is not in the request",
    "TARGET_TOO_LONG": "how long a target is with all its parameters is a relation between them",
    "UNKNOWN_FIELD": "which fields the episodes have depends on the memory space",
    "COLUMN_LENGTH": "that columns are equally long is a relation between members",
    "IMPORT_OPTIONS": "what an option says within its text, and of which columns, a schema cannot say",
    "BAD_STATEMENT": "a condition has either values or bounds: a relation between members",
    "UNREADABLE_FILE": "whether bytes are a file that can be read, a schema cannot say",
    "DIMENSION_MISMATCH": "the length of an embedding is the memory space's",
}
# Violations that OpenAPI 3.0 has no words for, by how what was expected begins. Each is described beside its schema.
BEYOND_SCHEMAS = {
    "either If-Match or If-None-Match": "which header may stand beside which",
    "a name of 1 to 128 characters": "how long the names of an object's members are (propertyNames came with 3.1)",
    "name=value pairs in percent-encoded UTF-8 without NUL": "what strict text is, for a whole query at once",
    "text without NUL": "what strict JSON is, for the whole document at once",
    "at least one known dimension": "that not every item of a list is null",
    "whole float32 numbers": "what the numbers are that base64 stands for",
    "every dimension known": "what the numbers are that base64 stands for",
    "numbers of at most 3.4e38": "what the numbers are that base64 stands for",
    "episodes with ids of their own": "that ids in a list differ and one of them is named beside it",
    "episodes of one origin": "what the stored episodes are that ids name",
    "a name for every column": "what a text in CSV looks like within",
    "a header line": "what a text in CSV looks like within",
}
# A body of these media types is text: whatever stands in for the text is sent as one, and is one.
TEXTS = {"text/csv", "application/x-ndjson"}
# Spaces that the other operations need; what changes or deletes spaces is sent to another one.
KEPT_SPACES = {"fuzz-plain", "fuzz-vectors"}
STREAM_EVENTS = {"pattern_retrieval", "ca3_progress", "partial_result", "final_result", "problem"}


@schemathesis.hook
def map_query(context: HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out made-up cursors, which only ever give 400; good ones come through the links between pages."""
    return query and {name: value for name, value in query.items() if not (name == "cursor" and isinstance(value, str))}


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Speak of a completion that was made, at times of the field that it completed; made-up ids only ever give 404."""
    if not (isinstance(body, dict) and re.fullmatch(r"cmp_[A-Za-z0-9_-]{1,60}", str(body.get("completion_id")))):
        return body
    field = body.get("field")
    is_named = isinstance(field, str) and 1 <= len(field) <= 128 and len(field) % 2
    return {**body, "completion_id": os.environ["FUZZ_COMPLETION"], **({"field": "where"} if is_named else {})}


@schemathesis.hook
def map_headers(context: HookContext, headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Ask for one condition at a time; both together only ever give 400."""
    return headers and {
        name: value for name, value in headers.items() if not (name == "If-None-Match" and "If-Match" in headers)
    }


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Keep the ground that other calls stand on."""
    if case.method != "GET" and (case.path_parameters or {}).get("space_id") in KEPT_SPACES:
        case.path_parameters["space_id"] = "fuzz-changed"


@schemathesis.hook
def filter_failure(context: HookContext, failure: Any, case: Case, response: Response) -> bool:
    """Whether a failed check is the service's fault."""
    if "positive_data_acceptance" in failure.checks:
        return not (is_met_by_valid_requests(response) or breaks_its_own_schema(case))
    if "negative_data_rejection" in failure.checks:
        return not (
            is_wrong_in_its_body_only(case) and (case.media_type in TEXTS or is_told_record_by_record(response))
        )
    # The schema of the event stream is that of its whole text, as client generators read it; schemathesis holds it
    # against every single event. `events_of_a_stream` below checks the events instead.
    return "SSE event" not in failure.title


def is_told_record_by_record(response: Response) -> bool:
    """Whether it is the reply to an import: a bad record is rejected by itself, or not looked at if none is taken."""
    if response.request.path_url.split("?")[0] != "/api/v1/imports":
        return False
    return response.json().get("rejected_total", 0) > 0 or read_problem(response).get("code") == "SPACE_READ_ONLY"


def is_wrong_in_its_body_only(case: Case) -> bool:
    """Whether everything but the body of a request is as the contract wants it."""
    wrong = {place.value for place, info in case.meta.components.items() if info.mode.is_negative}
    return wrong == {"body"}


def is_met_by_valid_requests(response: Response) -> bool:
    """Whether the refusal is one of those that depend on more than the request."""
    problem = read_problem(response)
    return problem.get("code") in MET_BY_VALID_REQUESTS or any(
        each["expected"].startswith(beginning) for each in problem.get("errors", ()) for beginning in BEYOND_SCHEMAS
    )


def breaks_its_own_schema(case: Case) -> bool:
    """Whether schemathesis put a value that breaks its schema into a request that it counts as valid.

    It does so with headers whose pattern has alternatives, such as If-Match: 0.
    """
    declared = {parameter.name: parameter.definition["schema"] for parameter in case.operation.headers}
    headers = case.headers or {}
    return any(
        not OAS30Validator(schema).is_valid(headers[name])
        for name, schema in declared.items()
        if name in headers and "pattern" in schema
    )


def read_problem(response: Response) -> dict[str, Any]:
    """The problem document of a response; empty when it has none."""
    if not response.headers.get("content-type", [""])[0].startswith("application/problem+json"):
        return {}
    problem: dict[str, Any] = json.loads(response.content)
    return problem


@schemathesis.check
def events_of_a_stream(context: CheckContext, response: Response, case: Case) -> None:
    """A stream has events of the documented names and ends with the result or a problem."""
    if not response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        return
    text = response.content.decode("utf-8")
    events = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if block]
    names = [event["event"] for event in events]
    assert set(names) <= STREAM_EVENTS, names
    assert names[-1] in {"final_result", "problem"}, names
    assert all(isinstance(json.loads(event["data"]), dict) for event in events)


@schemathesis.serializer("application/x-ndjson")
def write_lines(context: Any, value: Any) -> bytes:
    """The body of an import: the text as it is, or anything else as one line of JSON."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


load_all_checks()
