"""Both edges, over one store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rpc.edges import Edges

PLACES = {"breakfast": "kitchen", "lunch": "canteen", "dinner": "restaurant"}
PEOPLE = ["ann", "bob", "cem"]


def meals(count: int) -> Iterator[dict[str, Any]]:
    """Episodes with fields of every kind and small vectors."""
    for day in range(count):
        what = list(PLACES)[day % 3]
        yield {
            "id": f"ep_{day}",
            "fields": {
                "what": what,
                "where": PLACES[what] if day % 7 else "garden",
                "who": PEOPLE[day % 2],
                "minutes": 20 + day % 3 * 10,
                "rating": 3.0 + day % 4 / 2,
                "warm": day % 3 != 1,
                "with": [PEOPLE[day % 3], PEOPLE[(day + 1) % 3]],
            },
            "embedding": [float(day % 3 == dimension) + 0.01 * day for dimension in range(8)],
            "occurred_at": f"2026-03-{day % 28 + 1:02d}T08:00:00Z",
        }


def run(edges: Edges) -> Iterator[Edges]:
    edges.start()
    try:
        yield edges
    finally:
        edges.stop()


@pytest.fixture(scope="session")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    """Both edges without keys; the space `diary` remembers sixty meals, `scratch` is for writing."""
    for started in run(Edges(tmp_path_factory.mktemp("rpc"))):
        started.remember("diary", meals(60))
        assert started.request("PUT", "/spaces/scratch", json={}).status_code == 201
        yield started
