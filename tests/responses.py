"""One response of every status the contract names, made by the real application.

`python -m tests.responses` writes them into docs/responses.md; a test makes them again and
compares what does not change from run to run.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from recollect import keys
from recollect.model import Action
from recollect.settings import Settings
from recollect.store import open_store
from tests.handlers.conftest import JSON, PLACES, SPACE, Answer, Edge

PAGE = Path(__file__).parent.parent / "docs" / "responses.md"
SHOWN_INCARNATION = "5b0f9c1d7a42"
SHOWN_HEADERS = ("allow", "etag", "location", "retry-after", "www-authenticate")
BREAKFAST = {"partial_episode": {"known_fields": {"what": "breakfast"}}}
INTRODUCTION = """# One response of every status

Each of these was given by the real application to the request above it (`python -m tests.responses`
writes this page; a test makes them anew). Ids, times and what is measured differ from run to run.
"""


@dataclass(frozen=True)
class Exchange:
    """One request, as a person would write it down, and the answer it got."""

    request: str
    answer: Answer


def exchanges(folder: Path) -> Iterator[Exchange]:
    """The statuses in order, from applications with the settings that each of them needs."""
    with Opened(folder / "plain", body_timeout_s=0.2, max_body_bytes=4096) as edge:
        yield from _successes(edge)
        yield from _refusals(edge)
        yield _asked(edge, "POST", "/api/v1/complete", is_complete=False)
    yield from _closed(folder / "closed")
    with Opened(folder / "limited", rate_per_s=0.5, rate_burst=1) as edge:
        edge.get("/api/v1/version")
        yield _asked(edge, "GET", "/api/v1/version")
    with Opened(folder / "capped", max_sweeps=1) as edge:
        yield _asked(
            edge, "POST", "/api/v1/complete?verbose=true", BREAKFAST | {"targets": ["where"]}
        )  # takes two sweeps
    cold = Edge(Settings(data=folder / "cold"))
    yield _asked(cold, "GET", "/readyz")


class Opened:
    """An application over a new store whose space `diary` remembers thirty meals."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self._edge = Edge(Settings(data=data, **settings))

    def __enter__(self) -> Edge:
        edge = self._edge
        edge.start()
        edge.send("PUT", "/api/v1/spaces/diary", {})
        items = [
            {"id": f"ep_{day}", "fields": {"what": what, "where": PLACES[what], "day": day}}
            for day, what in ((day, list(PLACES)[day % 3]) for day in range(30))
        ]
        edge.send("POST", "/api/v1/imports", {"items": items})
        return edge

    def __exit__(self, *failure: object) -> None:
        self._edge.stop()


def _successes(edge: Edge) -> Iterator[Exchange]:
    yield _asked(edge, "POST", "/api/v1/complete", BREAKFAST)
    yield _asked(edge, "POST", "/api/v1/episodes", {"id": "ep_new", "fields": {"what": "tea", "where": "garden"}})
    yield _asked(edge, "DELETE", "/api/v1/episodes/ep_new")
    tag = edge.get("/api/v1/episodes/ep_0", SPACE).headers["etag"]
    shown = [f'if-none-match: "{tag.strip(chr(34)).partition("-")[0]}-{SHOWN_INCARNATION}"']
    yield _asked(edge, "GET", "/api/v1/episodes/ep_0", headers=[("if-none-match", tag)], shown_headers=shown)


def _refusals(edge: Edge) -> Iterator[Exchange]:
    yield _asked(edge, "POST", "/api/v1/complete", {"partial_episode": {"known_fields": {"day": "tomorrow"}}})
    yield _asked(edge, "POST", "/api/v1/complete", {"partial_episode": {"cue_strength": 2}})
    yield _asked(edge, "GET", "/api/v1/episodes/ep_0", space=("x-memory-space", "dairy"))
    yield _asked(edge, "DELETE", "/api/v1/complete")
    yield _asked(edge, "GET", "/api/v1/episodes/ep_0", headers=[("accept", "image/png")])
    yield _asked(edge, "POST", "/api/v1/episodes", {"id": "ep_0", "fields": {"what": "tea"}})
    put = {"fields": {"what": "tea"}}
    yield _asked(edge, "PUT", "/api/v1/episodes/ep_0", put, headers=[("if-match", '"7000-5b0f9c1d7a42"')])
    yield _asked(edge, "POST", "/api/v1/episodes", {"fields": {"what": "x" * 5000}}, shown='{"fields": {…5 kB…}}')
    yield _asked(edge, "POST", "/api/v1/complete", BREAKFAST, kind=("content-type", "text/plain"))
    many = [(f"x-{n}", "1") for n in range(120)]
    yield _asked(edge, "GET", "/api/v1/version", headers=many, shown_headers=["x-0: 1", "… 120 headers"])


def _closed(data: Path) -> Iterator[Exchange]:
    secret = asyncio.run(_issue(Settings(data=data).store))
    edge = Edge(Settings(data=data))
    edge.start()
    try:
        yield _asked(edge, "POST", "/api/v1/complete", BREAKFAST)
        held = [("authorization", f"Bearer {secret}")]
        shown = ["authorization: Bearer rk_… (a key for other spaces)"]
        yield _asked(edge, "POST", "/api/v1/complete", BREAKFAST, headers=held, shown_headers=shown)
    finally:
        edge.stop()


async def _issue(url: str) -> str:
    store = open_store(url)
    store.open()
    secret, _ = await keys.issue(store, {Action.READ}, ["elsewhere"], "for other spaces")
    await store.close()
    return secret


def _asked(
    edge: Edge,
    method: str,
    path: str,
    body: Any = None,
    *,
    space: tuple[str, str] = SPACE,
    kind: tuple[str, str] = JSON,
    headers: Sequence[tuple[str, str]] = (),
    shown: str | None = None,
    shown_headers: Sequence[str] | None = None,
    is_complete: bool = True,
) -> Exchange:
    """Ask, and write down what was asked."""
    data = b"" if body is None else json.dumps(body).encode()
    own = [space, *([kind] if body is not None or not is_complete else []), *headers]
    if not is_complete:
        data, shown = b'{"partial_', '{"partial_ … and then nothing more comes'
        own.append(("content-length", "57"))
    answer = edge.call(method, path, data, own, is_complete=is_complete)
    named = shown_headers if shown_headers is not None else [f"{name}: {value}" for name, value in headers]
    lines = [f"{method} {path}", ": ".join(space), *named]
    if body is not None and kind != JSON:
        lines.append(": ".join(kind))
    text = shown if shown is not None else json.dumps(body) if body is not None else ""
    return Exchange("\n".join(lines) + (f"\n\n{text}" if text else ""), answer)


def written(exchange: Exchange) -> str:
    """The exchange as a section of the page."""
    answer = exchange.answer
    title = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    head = [f"HTTP/1.1 {title}", *(f"{n}: {answer.headers[n]}" for n in SHOWN_HEADERS if n in answer.headers)]
    body = json.dumps(answer.json, indent=2, ensure_ascii=False) if answer.body else ""
    return (
        f"## {title}\n\n```http\n{exchange.request}\n```\n\n```http\n"
        + "\n".join(head)
        + f"\n\n{body}".rstrip()
        + "\n```\n"
    )


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        sections = [written(exchange) for exchange in exchanges(Path(folder))]
    PAGE.write_text(INTRODUCTION + "\n" + "\n".join(sections), encoding="utf-8")


if __name__ == "__main__":
    main()
