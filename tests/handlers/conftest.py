"""The real application, called in process with exactly the messages a test wants."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from handlers.app import Companion, create_app
from recollect import keys
from recollect.model import Action
from recollect.settings import Settings
from recollect.store import open_store
from tests.contract.conformance import contract

JSON = ("content-type", "application/json")
HOST = ("host", "127.0.0.1:8080")
SPACE = ("x-memory-space", "diary")
BREAKFAST = b'{"partial_episode":{"known_fields":{"what":"breakfast"}}}'
PLACES = {"breakfast": "kitchen", "lunch": "canteen", "dinner": "restaurant"}
BOUND_S = 600.0  # for what must happen; a shared machine may be ten times slower, never this slow


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Edge:
    """One worker's application on an event loop of its own."""

    def __init__(self, settings: Settings, companions: Sequence[Companion] = ()) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._app = create_app(settings, companions=companions)
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._outbox: asyncio.Queue[Any] = asyncio.Queue()

    def start(self) -> None:
        self._inbox.put_nowait({"type": "lifespan.startup"})
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._lifespan = asyncio.run_coroutine_threadsafe(
            self._app(scope, self._inbox.get, self._outbox.put), self._loop
        )
        started = asyncio.run_coroutine_threadsafe(self._outbox.get(), self._loop).result(BOUND_S)
        assert started["type"] == "lifespan.startup.complete", started

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run on the worker's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(BOUND_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._inbox.put_nowait, {"type": "lifespan.shutdown"})
        self._lifespan.result(BOUND_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(BOUND_S)
        self._loop.close()

    def call(
        self,
        method: str,
        target: str,
        body: bytes | Sequence[bytes] = b"",
        headers: Sequence[tuple[str, str | bytes]] = (),
        *,
        host: tuple[str, str] | None = HOST,
        client: str = "127.0.0.1",
        is_complete: bool = True,
    ) -> Answer:
        """One request; a body in several parts comes chunk by chunk, an incomplete one never ends."""
        chunks = [body] if isinstance(body, bytes) else list(body)
        given = [*([host] if host else []), *headers]
        if any(chunks) and not any(name in {"content-length", "transfer-encoding"} for name, _ in given):
            given.append(("content-length", str(sum(map(len, chunks)))))
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode("utf-8"),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), _encoded(value)) for name, value in given],
            "client": (client, 4711),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        answer = asyncio.run_coroutine_threadsafe(self._exchange(scope, chunks, is_complete), self._loop).result(
            BOUND_S
        )
        assert contract().faults(method, target, answer.status, answer.headers, answer.body) == []
        return answer

    async def _exchange(self, scope: dict[str, Any], chunks: list[bytes], is_complete: bool) -> Answer:
        answer = Answer()
        waiting = list(chunks)

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.sleep(3600)
            chunk = waiting.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(waiting) or not is_complete}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                pairs = [
                    (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"]
                ]
                assert len(dict(pairs)) == len(pairs), "a header is sent twice"
                answer.headers = dict(pairs)
            else:
                answer.body += message.get("body", b"")

        await self._app(scope, receive, send)
        return answer

    def get(self, target: str, *headers: tuple[str, str]) -> Answer:
        return self.call("GET", target, headers=headers)

    def post(self, target: str, document: Any, *headers: tuple[str, str]) -> Answer:
        return self.send("POST", target, document, *headers)

    def send(self, method: str, target: str, document: Any, *headers: tuple[str, str]) -> Answer:
        return self.call(method, target, json.dumps(document).encode(), [JSON, SPACE, *headers])


def _encoded(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def run(data: Path, **values: Any) -> Iterator[Edge]:
    """An application over a new store that holds the space `diary`."""
    edge = Edge(Settings(data=data, consolidate="manual", **values))
    edge.start()
    try:
        yield edge
    finally:
        edge.stop()


@pytest.fixture(scope="session")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """An application without keys whose space `diary` remembers thirty meals."""
    for started in run(tmp_path_factory.mktemp("edge"), body_timeout_s=0.3, max_body_bytes=100_000):
        assert started.send("PUT", "/api/v1/spaces/diary", {}).status == 201
        for day in range(30):
            what = list(PLACES)[day % 3]
            made = started.post(
                "/api/v1/episodes", {"id": f"ep_{day}", "fields": {"what": what, "where": PLACES[what]}}
            )
            assert made.status == 201, made.body
        yield started


SECRETS: Mapping[str, tuple[set[Action], list[str] | None]] = {
    "admin": ({Action.ADMIN}, None),
    "reader": ({Action.READ}, None),
    "writer": ({Action.WRITE}, None),
    "elsewhere": ({Action.ADMIN}, ["elsewhere"]),
}


@dataclass
class Locked:
    """An application that asks for keys, and the keys by who holds them."""

    edge: Edge
    secrets: dict[str, str]

    def key(self, holder: str) -> tuple[str, str]:
        return "authorization", f"Bearer {self.secrets[holder]}"


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """An application with keys; `revoked` and `expired` are such."""
    data = tmp_path_factory.mktemp("locked")
    secrets = asyncio.run(_issue(Settings(data=data).store))
    for started in run(data):
        holder = Locked(started, secrets)
        assert started.send("PUT", "/api/v1/spaces/diary", {}, holder.key("admin")).status == 201
        yield holder


async def _issue(url: str) -> dict[str, str]:
    store = open_store(url)
    store.open()
    secrets = {}
    for holder, (actions, spaces) in SECRETS.items():
        secrets[holder], _ = await keys.issue(store, actions, spaces, holder)
    secrets["revoked"], key = await keys.issue(store, {Action.ADMIN}, None)
    await keys.revoke(store, key.key_id)
    secrets["expired"], key = keys.draw({Action.ADMIN}, None, now_s=0, expires_at="1970-01-02T00:00:00Z")
    await store.put_key(key)
    secrets["unknown"] = keys.draw({Action.ADMIN}, None, now_s=0)[0]
    secrets["malformed"] = "not a key"
    await store.close()
    return secrets
