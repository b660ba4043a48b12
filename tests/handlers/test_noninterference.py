"""What one tenant sees does not depend on whether there is another: not a byte of any answer differs.

Tenant A's calls are made once on a service of its own, and once with tenant B's calls in between, on both
workers. B deletes its space and makes it anew, fills it with A's words, asks, errs and gives feedback.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from recollect.settings import Settings
from tests.handlers.conftest import JSON, Answer, Edge

SEED = 20261204
WHATS, WHERES = ("breakfast", "lunch", "dinner", "tea"), ("kitchen", "canteen", "garden", "sofa")
# What names a moment, a request or a life of a space, and so differs between any two runs.
MASKED = re.compile(
    rb'"(?:completion_id|request_id|created_at|updated_at|incarnation|next_cursor|feedback_id|fitted_at)":"[^"]*"'
    rb'|"timings_ms":\{[^}]*\}|-[0-9a-f]{12}"'
)
SHOWN = ("etag", "location", "content-type", "retry-after", "allow", "vary", "cache-control")


class Tenant:
    """Calls drawn by lot, alike for alike seeds whatever else happens."""

    def __init__(self, space: str, seed: int) -> None:
        self.space = space
        self.choose = random.Random(seed)
        self.tags: dict[str, str] = {}
        self.cursor: str | None = None
        self.completion: str | None = None

    def call(self, edges: list[Edge]) -> bytes:
        """One call on one of the workers; what of its answer must not depend on others."""
        edge = self.choose.choice(edges)
        name = self.choose.choice([each for each in vars(Tenant) if each.startswith("_do_")])
        answer: Answer = getattr(self, name)(edge)
        told = "\n".join(f"{header}: {answer.headers.get(header)}" for header in SHOWN)
        return MASKED.sub(b"", f"{name} {answer.status}\n{told}\n".encode() + answer.body)

    def _send(self, edge: Edge, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        given = [("x-memory-space", self.space), *((name.replace("_", "-"), value) for name, value in headers.items())]
        if body is None:
            return edge.call(method, f"/api/v1{path}", headers=given)
        return edge.call(method, f"/api/v1{path}", _json(body), [JSON, *given])

    def _episode(self) -> dict[str, Any]:
        return {"fields": {"what": self.choose.choice(WHATS), "where": self.choose.choice(WHERES)}}

    def _id(self) -> str:
        return f"ep_{self.choose.randrange(40)}"

    def _cue(self) -> dict[str, Any]:
        cue = {"known_fields": {"what": self.choose.choice([*WHATS, "chess"])}}
        return {"partial_episode": cue, "config": {"ca1_threshold": self.choose.choice([0, 0.5, 0.9])}}

    def _do_put(self, edge: Edge) -> Answer:
        name = self._id()
        condition = {"if_match": self.tags[name]} if name in self.tags and self.choose.random() < 0.5 else {}
        answer = self._send(edge, "PUT", f"/episodes/{name}", self._episode(), **condition)
        if answer.status < 300:
            self.tags[name] = answer.headers["etag"]
        return answer

    def _do_create(self, edge: Edge) -> Answer:
        return self._send(edge, "POST", "/episodes", {"id": self._id(), **self._episode()})

    def _do_import(self, edge: Edge) -> Answer:
        return self._send(
            edge, "POST", "/imports", {"items": [{"id": self._id(), **self._episode()} for _ in range(5)]}
        )

    def _do_get(self, edge: Edge) -> Answer:
        return self._send(edge, "GET", f"/episodes/{self._id()}")

    def _do_delete(self, edge: Edge) -> Answer:
        return self._send(edge, "DELETE", f"/episodes/{self._id()}")

    def _do_list(self, edge: Edge) -> Answer:
        suffix = f"&cursor={self.cursor}" if self.cursor else ""
        answer = self._send(edge, "GET", f"/episodes?limit=7{suffix}")
        self.cursor = answer.json.get("next_cursor") if answer.status == 200 else None
        return answer

    def _do_complete(self, edge: Edge) -> Answer:
        answer = self._send(edge, "POST", "/complete?verbose=true", self._cue())
        self.completion = answer.json.get("completion_id", self.completion)
        return answer

    def _do_batch(self, edge: Edge) -> Answer:
        return self._send(edge, "POST", "/complete/batch", {"items": [self._cue() for _ in range(3)]})

    def _do_recall(self, edge: Edge) -> Answer:
        return self._send(edge, "POST", "/recall", {"partial_episode": self._cue()["partial_episode"], "limit": 5})

    def _do_feedback(self, edge: Edge) -> Answer:
        given = {"completion_id": self.completion or "cmp_" + "0" * 24, "field": "where", "verdict": "right"}
        return self._send(edge, "POST", "/feedback", given)

    def _do_calibration(self, edge: Edge) -> Answer:
        return self._send(edge, "GET", "/calibration")

    def _do_forget(self, edge: Edge) -> Answer:
        return self._send(edge, "POST", "/forget", {"filter": {"fields": {"what": self.choose.choice(WHATS)}}})

    def _do_stats(self, edge: Edge) -> Answer:
        return self._send(edge, "GET", f"/spaces/{self.space}/stats")

    def _do_err(self, edge: Edge) -> Answer:
        return self._send(edge, "POST", "/complete", {"partial_episode": {"known_fields": {"what": []}}, "surplus": 1})

    def _do_begin_anew(self, edge: Edge) -> Answer:
        if self.choose.random() < 0.8:
            return self._do_get(edge)
        self._send(edge, "DELETE", f"/spaces/{self.space}")
        self.tags.clear()
        return self._send(edge, "PUT", f"/spaces/{self.space}", {"description": "made anew"})


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


@contextmanager
def two_workers(data: Path) -> Iterator[list[Edge]]:
    edges = [Edge(Settings(data=data, consolidate="manual")) for _ in range(2)]
    with ExitStack() as stack:
        for edge in edges:
            edge.start()
            stack.callback(edge.stop)
        yield edges


@pytest.mark.parametrize("calls", [150, pytest.param(34_000, marks=pytest.mark.torture)])
def test_a_tenant_sees_the_same_whether_or_not_there_is_another(calls: int, tmp_path: Path) -> None:
    with two_workers(tmp_path / "alone") as alone, two_workers(tmp_path / "shared") as shared:
        first, again, other = Tenant("tenant-a", SEED), Tenant("tenant-a", SEED), Tenant("tenant-b", SEED + 1)
        first._send(alone[0], "PUT", "/spaces/tenant-a", {})
        for each in (again, other):
            each._send(shared[0], "PUT", f"/spaces/{each.space}", {})
        seen: set[bytes] = set()
        for number in range(calls):
            expected = first.call(alone)
            other.call(shared)
            found = again.call(shared)
            assert found == expected, f"call {number} (seed {SEED}) differs"
            seen.add(expected[:40])
    assert len(seen) > 10, "the calls are all of one kind"
