"""The guard: who gets in, how the protocol's small print is kept, what every reply carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, sleep

import pytest
import yaml

from handlers.app import create_app, refuse_open_operations
from handlers.contract import CONTRACT
from handlers.guard import choose, is_local
from recollect.errors import NotAcceptable
from recollect.model import Action
from recollect.service.access import ACTIONS
from recollect.service.entrance import Entrance
from recollect.settings import Settings
from tests.handlers.conftest import BREAKFAST, JSON, SPACE, Edge, Locked, run

COMPLETE = "/api/v1/complete"


def target(path: str) -> str:
    return "/api/v1" + re.sub(r"\{\w+\}", "diary", path)


def operations() -> list[tuple[str, str, str]]:
    paths = yaml.load(CONTRACT.read_bytes(), yaml.CSafeLoader)["paths"]
    return [
        (item[method]["operationId"], method.upper(), target(path))
        for path, item in paths.items()
        for method in ("get", "put", "post", "patch", "delete")
        if method in item
    ]


HOLDERS = ["none", "malformed", "unknown", "revoked", "expired", "elsewhere", "reader", "writer", "admin"]


def expected(holder: str, operation: str, path: str) -> int | None:
    """The status that the key alone decides; None where it lets the call through."""
    if holder in {"none", "malformed", "unknown", "revoked", "expired"}:
        return 401
    action = ACTIONS[operation]
    if holder == "reader" and action not in {None, Action.READ}:
        return 403
    if holder == "writer" and action not in {None, Action.WRITE}:
        return 403
    names_space = "/spaces/" in path or (action is not None and operation != "list_spaces")
    return 403 if holder == "elsewhere" and names_space else None


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize(("operation", "method", "path"), operations(), ids=[each[0] for each in operations()])
def test_the_key_alone_decides(locked: Locked, operation: str, method: str, path: str, holder: str) -> None:
    headers = [SPACE] if holder == "none" else [SPACE, locked.key(holder)]
    # The body never ends: whoever is refused is refused before it is read.
    refused = expected(holder, operation, path)
    if refused is not None:
        answer = locked.edge.call(method, path, [b""], [*headers, JSON, ("content-length", "50")], is_complete=False)
        assert answer.status == refused, answer.body
        assert ("www-authenticate" in answer.headers) == (refused == 401)
    elif operation != "delete_space":
        assert locked.edge.call(method, path, headers=headers).status not in {401, 403}


def test_metrics_take_a_key_where_operations_do(locked: Locked) -> None:
    assert locked.edge.get("/metrics").status == 401
    assert locked.edge.get("/metrics", locked.key("reader")).status == 200
    for page in ("/livez", "/readyz", "/docs", "/openapi.json", "/problems"):
        assert locked.edge.get(page).status == 200


def test_a_space_that_is_not_there_looks_like_one_that_is_to_a_key_that_may_see_neither(locked: Locked) -> None:
    answers = [
        locked.edge.call("POST", COMPLETE, BREAKFAST, [JSON, ("x-memory-space", name), locked.key("elsewhere")])
        for name in ("diary", "nothing")
    ]
    documents = [{**answer.json, "request_id": ""} for answer in answers]
    assert documents[0] == documents[1]


@pytest.mark.parametrize(
    ("client", "host", "headers"),
    [
        ("192.0.2.7", "127.0.0.1:8080", []),
        ("127.0.0.1", "rebound.example", []),
        ("127.0.0.1", "127.0.0.1:8080", [("x-forwarded-for", "192.0.2.7")]),
        ("127.0.0.1", "127.0.0.1:8080", [("forwarded", "for=192.0.2.7")]),
    ],
    ids=["from elsewhere", "by a name from elsewhere", "through a proxy", "through a newer proxy"],
)
def test_without_keys_only_this_machine_gets_in(
    edge: Edge, client: str, host: str, headers: list[tuple[str, str]]
) -> None:
    answer = edge.call("GET", "/api/v1/version", headers=headers, host=("host", host), client=client)
    assert (answer.status, answer.json["code"]) == (401, "KEY_MISSING")


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "[::1]:8080", "127.0.0.53"])
def test_names_of_this_machine_are_local(host: str) -> None:
    assert is_local({"client": ("::1", 1)}, {b"host": host.encode()})


async def test_an_open_operation_keeps_the_worker_from_starting(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path))

    async def open_door(scope: object, receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]

    app.middleware.app, app.middleware.middleware_stack = app.middleware._build_middleware_stack()
    app.middleware.app = open_door
    with pytest.raises(RuntimeError, match="answers 200 to a caller without a key"):
        await refuse_open_operations(app.middleware)


def test_every_reply_carries_its_id_and_where_the_time_went(edge: Edge) -> None:
    answer = edge.call("POST", COMPLETE, BREAKFAST, [JSON, SPACE, ("x-request-id", "mine-1")])
    assert answer.headers["x-request-id"] == "mine-1"
    assert re.fullmatch(
        r"parse;dur=[\d.]+, route;dur=[\d.]+, engine;dur=[\d.]+, serialize;dur=[\d.]+", answer.headers["server-timing"]
    )
    assert answer.headers["cache-control"] == "private"
    assert "X-Memory-Space" in answer.headers["vary"]
    first, second = (edge.get("/api/v1/version").headers["x-request-id"] for _ in range(2))
    assert first != second
    assert edge.get("/api/v1/version", ("x-request-id", "not one\tof ours")).headers["x-request-id"].startswith("req_")


def test_head_is_get_without_a_body(edge: Edge) -> None:
    for path in ("/api/v1/version", "/livez", "/docs", "/api/v1/episodes/nobody"):
        got, head = (edge.call(method, path, headers=[SPACE]) for method in ("GET", "HEAD"))
        assert head.status == got.status
        assert head.body == b""
        assert head.headers["content-length"] == got.headers["content-length"]


def test_options_and_405_name_the_methods(edge: Edge) -> None:
    options = edge.call("OPTIONS", "/api/v1/episodes")
    assert (options.status, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert not any(name.startswith("access-control") for name in options.headers)
    refused = edge.call("PATCH", "/api/v1/episodes", headers=[SPACE])
    assert (refused.status, refused.headers["allow"]) == (405, options.headers["allow"])


@pytest.mark.parametrize(
    "kind",
    ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'],
)
def test_json_is_json_however_it_is_spelt(edge: Edge, kind: str) -> None:
    assert edge.call("POST", COMPLETE, BREAKFAST, [SPACE, ("content-type", kind)]).status == 200
    bad = edge.call("POST", COMPLETE, b'{"partial_episode":1}', [SPACE, ("content-type", kind)])
    assert bad.status == 400


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/*;q=0.1, text/html", "text/html, */*;q=0.1"]
)
def test_json_is_given_to_whoever_takes_it(accept: str) -> None:
    assert choose(accept.encode(), ("application/json",)) == "application/json"


def test_the_better_liked_representation_is_chosen() -> None:
    both = ("application/json", "image/svg+xml")
    assert choose(b"image/svg+xml", both) == "image/svg+xml"
    assert choose(b"application/json;q=0.5, image/*", both) == "image/svg+xml"
    assert choose(b"*/*;q=0.1, application/json;q=0, image/svg+xml;q=0.05", both) == "image/svg+xml"
    with pytest.raises(NotAcceptable):
        choose(b"application/json;q=0, text/html", both)


def test_a_body_that_does_not_come_ends_at_its_deadline(edge: Edge) -> None:
    begun = perf_counter()
    answer = edge.call("POST", COMPLETE, [b"{"], [JSON, SPACE, ("content-length", "50")], is_complete=False)
    assert (answer.status, answer.json["code"]) == (504, "BODY_TIMEOUT")
    assert 0.25 < perf_counter() - begun < 5


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """An application that takes four requests at once and then hardly any, also from one browser origin."""
    data = tmp_path_factory.mktemp("narrow")
    yield from run(data, workers=1, rate_per_s=0.01, rate_burst=4, cors_origins=("https://app.example",))


def test_a_key_that_calls_too_often_is_told_when_to_come_back(narrow: Edge) -> None:
    assert narrow.send("PUT", "/api/v1/spaces/diary", {}).headers["ratelimit"] == '"key";r=3;t=400'
    answers = [narrow.get("/api/v1/version") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=4;w=400'
    assert 1 <= int(answers[3].headers["retry-after"]) <= 100
    assert answers[3].json["retryable"] is True
    assert answers[3].headers["ratelimit"] == '"key";r=0;t=400'
    assert narrow.get("/livez").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_from_elsewhere_may_do_nothing_without_a_key(edge: Edge, site: str) -> None:
    told = [("sec-fetch-site", site), ("origin", "https://evil.example")]
    for method, path, body in (
        ("GET", "/api/v1/spaces", b""),
        ("POST", COMPLETE, BREAKFAST),
        ("DELETE", "/api/v1/spaces/diary", b""),
    ):
        answer = edge.call(method, path, body, [SPACE, *([JSON] if body else []), *told])
        assert (answer.status, answer.json["code"]) == (401, "KEY_MISSING")
    assert edge.call("GET", "/metrics", headers=told).status == 401
    assert edge.call("GET", "/docs", headers=told).status == 200, "a link to the documentation may be followed"
    assert edge.call("POST", COMPLETE, BREAKFAST, [SPACE, JSON]).status == 200
    for own in ("same-origin", "none"):
        assert edge.call("POST", COMPLETE, BREAKFAST, [SPACE, JSON, ("sec-fetch-site", own)]).status == 200


def test_a_page_from_elsewhere_that_the_operator_allows_or_that_has_a_key_gets_in(
    tmp_path: Path, locked: Locked
) -> None:
    told = [("sec-fetch-site", "cross-site"), ("origin", "https://app.example")]
    for started in run(tmp_path, cors_origins=("https://app.example",)):
        assert started.call("GET", "/api/v1/version", headers=told).status == 200
    assert locked.edge.call("GET", "/api/v1/version", headers=[*told, locked.key("reader")]).status == 200


def test_only_the_allowed_origin_may_read(narrow: Edge) -> None:
    preflight = narrow.call("OPTIONS", COMPLETE, headers=[("origin", "https://app.example")])
    assert preflight.headers["access-control-allow-origin"] == "https://app.example"
    assert "X-Memory-Space" in preflight.headers["access-control-allow-headers"]
    other = narrow.call("OPTIONS", COMPLETE, headers=[("origin", "https://app.example.evil")])
    assert "access-control-allow-origin" not in other.headers


def test_a_busy_worker_refuses_but_its_probes_answer(tmp_path: Path) -> None:
    for busy in run(tmp_path, max_in_flight=1, body_timeout_s=3.0):
        busy.send("PUT", "/api/v1/spaces/diary", {})
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(busy.call, "POST", COMPLETE, [b"{"], [JSON, SPACE], is_complete=False)
            sleep(0.3)
            late = busy.get("/api/v1/version")
            assert (late.status, late.json["code"], late.headers["retry-after"]) == (503, "OVERLOADED", "1")
            assert busy.get("/readyz").status == 200
            assert slow.result().status == 504
        assert busy.get("/api/v1/version").status == 200


def test_who_has_yet_to_send_a_body_stands_in_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[int] = []
    enter = Entrance.enter

    async def noted(self: Entrance, others: int, most: int, what: str = "requests") -> None:
        entered.append(others)
        await enter(self, others, most, what)

    monkeypatch.setattr(Entrance, "enter", noted)
    for edge in run(tmp_path, body_timeout_s=0.3):
        edge.send("PUT", "/api/v1/spaces/diary", {})
        assert len(entered) == 1
        assert edge.call("POST", COMPLETE, [b"{"], [JSON, SPACE], is_complete=False).status == 504
        assert len(entered) == 1
        assert edge.get("/api/v1/version").status == 200
        assert len(entered) == 2


def test_a_worker_that_has_not_started_says_so(tmp_path: Path) -> None:
    edge = Edge(Settings(data=tmp_path))
    for path in ("/readyz", "/api/v1/version"):
        answer = edge.get(path)
        assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "WARMING_UP", "1")
    assert edge.get("/livez").status == 200
    edge.start()
    assert edge.get("/readyz").status == 200
    edge.stop()
