"""Every 4xx of the table of problems is driven by a real request; what it suggests works, or it says why nothing can.

A suggestion's patch and headers are applied to the request as it was sent: the problem must be gone then.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from google.rpc.status_pb2 import Status

from handlers import problems, unparsed
from recollect import keys, locks
from recollect.errors import Conflict, RecollectError
from recollect.model import EpisodeFilter, SpaceDraft
from recollect.rpc.guard import parse
from recollect.service import remedies
from recollect.service.episodes import check_filter
from recollect.service.maintenance import check_store, migrate_store, restore_store
from recollect.settings import Settings
from recollect.store import open_store
from tests.handlers.conftest import JSON, Edge, Locked, run
from tests.handlers.test_operations import patched

CUE = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
SURE = {**CUE, "config": {"ca1_threshold": 0}}
MEAL = {"fields": {"what": "breakfast", "where": "kitchen"}}
API = "/api/v1"
NO_CHANGE = "No change of the request helps"


@dataclass(frozen=True)
class Request:
    """A request as it is sent; `at` names the application that gets it, and `before` is sent first."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    before: tuple[Request, ...] = ()
    at: str = "small"

    def with_space(self, name: str = "diary") -> Request:
        return replace(self, headers={"x-memory-space": name, **self.headers})


def post(path: str, body: Any, *before: Request, at: str = "small", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", API + path, body, named, before, at).with_space()


def get(path: str, *before: Request, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", API + path, None, named, before).with_space()


def put(path: str, body: Any, *before: Request, at: str = "small", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("PUT", API + path, body, named, before, at).with_space()


FROZEN = put("/spaces/frozen", {"read_only": True})
VECTORS = put("/spaces/vectors", {"embedding_dimensions": 2})
VECTOR = post("/episodes", {**MEAL, "embedding": [1.0, 0.5]}, x_memory_space="vectors")
EMPTY = put("/spaces/empty", {})
SCRATCH = put("/spaces/scratch", {})

REQUESTS: dict[str, list[Request]] = {
    "SCHEMA_VIOLATION": [
        post("/complete", {**CUE, "target": ["where"]}),
        post("/complete", {"what": "breakfast"}),
        post("/complete", {**CUE, "targets": None}),
        post("/episodes", {"what": "breakfast"}),
        post("/imports", {"items": [{"what": "breakfast"}, {"what": "lunch"}]}),
        post("/episodes", {**MEAL, "occurred_at": "2026-03-01"}),
        post("/complete", {**CUE, "config": {"ca1_threshold": 7}}),
        post("/complete", {**CUE, "config": {"ca1_threshold": "0.7"}}),
        post("/complete", {**CUE, "config": {"ca1_threshold": 70}}),
        post("/complete", {**CUE, "targets": "where"}),
        post("/imports", MEAL, SCRATCH, x_memory_space="scratch"),
        post("/imports", [{"what": "breakfast"}], SCRATCH, x_memory_space="scratch"),
        put("/spaces/new", {"schema": {"what": "colour"}}),
        get("/episodes?limit=many"),
        put("/episodes/ep_1", MEAL, if_match="three"),
        post("/episodes", {"fields": {"what": None}}),
    ],
    "MALFORMED_JSON": [
        post("/complete", b'{"partial_episode": '),
        post("/complete", b""),
        post("/imports", b"name,size\nA,1\n", SCRATCH, x_memory_space="scratch"),
    ],
    "INVALID_HEADER": [
        Request("POST", f"{API}/complete", CUE),
        post("/complete", CUE, x_memory_space="My Diary"),
    ],
    "INVALID_EPISODE": [post("/episodes", {"fields": {"": "nameless"}})],
    "INVALID_SPACE": [put("/spaces/new", {"schema": {"": "number"}})],
    "CSV_HEADER": [post("/imports", b"\n", content_type="text/csv")],
    "IMPORT_OPTIONS": [post("/imports?id_column=nmae", b"name,size\nA,1\n", content_type="text/csv")],
    "UNREADABLE_FILE": [post("/imports", b"%PDF-1.7 and so on", content_type="text/csv")],
    "DIMENSION_MISMATCH": [
        post("/episodes", {**MEAL, "embedding": [1.0, 0.5, 0.25]}, VECTORS, VECTOR, x_memory_space="vectors"),
        post(
            "/complete",
            {"partial_episode": {"known_fields": {"what": "breakfast"}, "partial_embedding": [1.0, 0.5, 0.25]}},
            VECTORS,
            VECTOR,
            x_memory_space="vectors",
        ),
    ],
    "UNKNOWN_FIELD": [
        post("/evaluation", {"fields": ["what", "wehre"], "wait": True}),
        post("/audit", {"source_field": "waht"}),
        post("/audit", {"fields": ["colour"]}),
        get("/contradictions?field=wehre"),
        post("/fill", {"rows": [{"what": "breakfast"}], "targets": ["wehre"]}),
    ],
    "COLUMN_LENGTH": [post("/fill", {"columns": {"what": ["breakfast"], "where": [None, None]}})],
    "BAD_STATEMENT": [post("/probability", {**CUE, "statement": [{"field": "where"}]})],
    "STALE_CURSOR": [get("/episodes?cursor=abc")],
    "ID_DIFFERS": [put("/episodes/ep_1", {**MEAL, "id": "ep_2"})],
    "EXPECTED_COUNT_REQUIRED": [
        post("/forget", {"filter": {"fields": {"what": "nothing"}}, "dry_run": False}),
    ],
    "FIELD_NOT_COMPLETED": [
        post("/feedback", {"completion_id": "…", "field": "wehre", "verdict": "right"}, post("/complete", SURE)),
        post("/feedback", {"completion_id": "…", "field": "colour", "verdict": "right"}, post("/complete", SURE)),
    ],
    "BODY_NOT_EXPECTED": [replace(get("/episodes"), body={})],
    "KEY_MISSING": [replace(get("/whoami"), at="locked")],
    "KEY_MALFORMED": [replace(get("/whoami", authorization="Basic abc"), at="locked")],
    "KEY_INVALID": [replace(get("/whoami", authorization="revoked"), at="locked")],
    "ACTION_FORBIDDEN": [post("/episodes", MEAL, at="locked", authorization="reader")],
    "SPACE_FORBIDDEN": [post("/complete", CUE, at="locked", authorization="elsewhere")],
    "SPACE_NOT_FOUND": [
        post("/complete", CUE, x_memory_space="dairy"),
        post("/complete", CUE, x_memory_space="quite-another"),
    ],
    "EPISODE_NOT_FOUND": [get("/episodes/ep_none")],
    "COMPLETION_NOT_FOUND": [
        post("/feedback", {"completion_id": f"cmp_{'0' * 24}", "field": "where", "verdict": "right"})
    ],
    "ROUTE_NOT_FOUND": [get("/nothing")],
    "METHOD_NOT_ALLOWED": [replace(get("/complete"), method="DELETE")],
    "NOT_ACCEPTABLE": [post("/complete", CUE, accept="text/html")],
    "IDEMPOTENCY_KEY_REUSED": [
        post(
            "/episodes", {"fields": {"what": "tea"}}, post("/episodes", MEAL, idempotency_key="k"), idempotency_key="k"
        )
    ],
    "SPACE_READ_ONLY": [post("/episodes", MEAL, FROZEN, x_memory_space="frozen")],
    "EPISODE_EXISTS": [post("/episodes", {**MEAL, "id": "ep_1"})],
    "EPISODE_LIMIT": [post("/imports", {"items": [MEAL] * 60}, EMPTY, x_memory_space="empty")],
    "SIZE_LIMIT": [
        post("/imports", {"items": [{"fields": {"a": "x" * 9000}}] * 4}, EMPTY, x_memory_space="empty", at="tiny")
    ],
    "SPACE_LIMIT": [put("/spaces/one-more", {}, at="tiny")],
    "COUNT_DIFFERS": [
        post("/forget", {"filter": {"fields": {"what": "nothing"}}, "dry_run": False, "expected_count": 7})
    ],
    "TOO_FEW_EPISODES": [post("/audit", {}, EMPTY, x_memory_space="empty")],
    "EMBEDDING_DIMENSIONS_FIXED": [
        replace(put("/spaces/vectors", {"embedding_dimensions": 3}, VECTORS, VECTOR), method="PATCH")
    ],
    "PRECONDITION_FAILED": [put("/episodes/ep_1", MEAL, if_match='"r999999"')],
    "TOO_LARGE": [post("/episodes", {"fields": {"what": ["x" * 9000] * 12}})],
    "UNSUPPORTED_MEDIA_TYPE": [
        post("/complete", CUE, content_type="application/xml"),
        post("/complete", CUE, content_type="application/json; charset=latin-1"),
        post("/complete", CUE, content_encoding="gzip"),
        post("/imports", b"name,size\nA,1\n", SCRATCH, x_memory_space="scratch", content_type="text/plain"),
    ],
    "INSUFFICIENT_EVIDENCE": [
        post("/complete", {**SURE, "targets": ["wehre"]}),
        post("/complete", {"partial_episode": {"known_fields": {"waht": "breakfast"}}, "targets": ["where"]}),
        post("/complete", {"partial_episode": {"known_fields": {"what": "breakfsat"}}, "config": {"ca1_threshold": 1}}),
        post("/complete", {"partial_episode": {"known_fields": MEAL["fields"]}}),
        post("/probability", {**CUE, "statement": [{"field": "wehre", "one_of": ["kitchen"]}]}),
        post("/complete", CUE, EMPTY, x_memory_space="empty"),
    ],
    "RATE_LIMITED": [replace(get("/spaces", *[replace(get("/spaces"), at="tiny")] * 60), at="tiny")],
    "HEADERS_TOO_LARGE": [get("/version", x_note="x" * 40_000)],
}
# Codes of which only finer ones are ever told.
GENERAL = {"INVALID_REQUEST", "UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND", "CONFLICT"}


async def end_unknown_key(folder: Path) -> None:
    store = open_store(Settings(data=folder).store)
    store.open()
    try:
        await keys.revoke(store, "key_none")
    finally:
        await store.close()


async def migrate_onto(folder: Path) -> None:
    for name in ("one", "other"):
        (folder / name).mkdir()
        store = open_store(Settings(data=folder / name).store)
        store.open()
        await store.put_space("diary", SpaceDraft())
        await store.close()
    one, other = (Settings(data=folder / name).store for name in ("one", "other"))
    await asyncio.to_thread(migrate_store, one, other)


async def restore_while_served(folder: Path) -> None:
    with locks.held(folder / locks.SERVING):
        restore_store(Settings(data=folder), folder / "backup.db")


async def filter_by_no_time(_: Path) -> None:
    check_filter(EpisodeFilter(occurred_after="in spring"))


async def spell_nothing(_: Path) -> None:
    parse(Status, b"\xff")


async def told(error: RecollectError) -> None:
    raise error


# What no request over HTTP meets: what raises it. Nobody makes as many writes as a space and a store have room for.
ELSEWHERE: dict[str, Callable[[Path], Coroutine[Any, Any, None]]] = {
    "MALFORMED_MESSAGE": spell_nothing,
    "INVALID_FILTER": filter_by_no_time,
    "KEY_NOT_FOUND": end_unknown_key,
    "STORE_NOT_FOUND": lambda folder: check_store(Settings(data=folder / "none")),
    "STORE_NOT_EMPTY": migrate_onto,
    "DATA_FOLDER_IN_USE": restore_while_served,
    "SPACE_EXHAUSTED": lambda _: told(Conflict("Why.", code="SPACE_EXHAUSTED")),
    "STORE_EXHAUSTED": lambda _: told(Conflict("Why.", code="STORE_EXHAUSTED")),
    "TARGET_TOO_LONG": lambda _: told(unparsed.refusal(414)),
    "MALFORMED_HTTP": lambda _: told(unparsed.refusal(400)),
}
MISTAKES = {kind.code for kind in problems.TYPES.values() if 400 <= kind.status < 500}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """An application that takes little at once, with the meals of `edge`."""
    for started in run(tmp_path_factory.mktemp("small"), max_body_bytes=100_000, max_episodes=50):
        started.send("PUT", f"{API}/spaces/diary", {})
        for n in range(30):
            what, where = ("breakfast", "kitchen") if n % 2 else ("lunch", "canteen")
            started.post(f"{API}/episodes", {"id": f"ep_{n}", "fields": {"what": what, "where": where, "n": n}})
        yield started


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """An application with room for one space beside the shipped one, and for one request at a time."""
    folder = tmp_path_factory.mktemp("tiny")
    for started in run(folder, max_spaces=1, max_space_bytes=20_000, rate_per_s=0.02, rate_burst=50):
        started.send("PUT", f"{API}/spaces/empty", {})
        yield started


@pytest.fixture
def applications(small: Edge, tiny: Edge, locked: Locked) -> dict[str, Edge]:
    return {"small": small, "tiny": tiny, "locked": locked.edge}


Send = Callable[[Request], tuple[int, dict[str, str], Any]]


@pytest.fixture
def send(applications: dict[str, Edge], locked: Locked) -> Send:
    def exchange(request: Request) -> tuple[int, dict[str, str], Any]:
        headers = dict(request.headers)
        if headers.get("authorization") in locked.secrets:
            headers["authorization"] = locked.key(headers["authorization"])[1]
        body = b"" if request.body is None else request.body
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if request.body is not None and "content-type" not in headers:
            headers[JSON[0]] = JSON[1]
        answer = applications[request.at].call(request.method, request.path, body, list(headers.items()))
        return answer.status, answer.headers, json.loads(answer.body) if answer.body else None

    return exchange


def test_every_mistake_is_driven() -> None:
    met = [*REQUESTS, *ELSEWHERE, *GENERAL]
    assert sorted(met) == sorted(MISTAKES)


@pytest.mark.parametrize(
    ("code", "number"), [(code, number) for code, requests in REQUESTS.items() for number in range(len(requests))]
)
def test_what_a_problem_suggests_works_or_it_says_why_nothing_can(code: str, number: int, send: Send) -> None:
    request = REQUESTS[code][number]
    for earlier in request.before:
        _, _, answer = send(earlier)
        if isinstance(request.body, dict) and request.body.get("completion_id") == "…":
            request = replace(request, body={**request.body, "completion_id": answer["completion_id"]})
    status, _, problem = send(request)
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["suggestions"], "a mistake without advice"
    ready = [each for each in problem["suggestions"] if "patch" in each or "headers" in each]
    if not ready:
        require_reason(code, problem["suggestions"])
    for suggestion in ready:
        named = {name.lower(): value for name, value in suggestion.get("headers", {}).items()}
        body = patched(request.body, suggestion["patch"]) if "patch" in suggestion else request.body
        after, _, answer = send(replace(request, body=body, headers=request.headers | named))
        if suggestion["applicability"] == "machine_applicable":
            assert after < 400, answer
        assert after < 400 or answer["code"] != code or needs_more(suggestion), answer


def require_reason(code: str, suggestions: list[dict[str, Any]]) -> None:
    """What offers no change says why there is none, or which names there are to choose from."""
    words = remedies.WORDS[code]
    for each in suggestions:
        is_general = each["id"] == words["id"]
        assert each["applicability"] == "needs_value", each
        assert not is_general or words.get("why", NO_CHANGE) in each["message"], each


def needs_more(suggestion: dict[str, Any]) -> bool:
    """Whether a correction says that it is not enough by itself."""
    return "More is needed then." in suggestion["message"]


@pytest.mark.parametrize("code", sorted(ELSEWHERE))
async def test_what_is_met_outside_of_http_says_what_to_do_and_why_no_change_is_offered(
    code: str, tmp_path: Path
) -> None:
    with pytest.raises(RecollectError) as met:
        await ELSEWHERE[code](tmp_path)
    document = problems.document(met.value, request_id="req_1")
    assert document["code"] == code
    require_reason(code, document["suggestions"])


@pytest.mark.parametrize("code", sorted(MISTAKES))
def test_a_mistake_without_a_ready_change_has_its_reason_in_the_table(code: str) -> None:
    words = remedies.WORDS[code]
    assert code in remedies.READY or "why" in words or NO_CHANGE in words["message"]
