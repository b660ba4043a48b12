"""Behind a path prefix of a proxy, every path that is told leads where the proxy offers it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
import yaml

from recollect.settings import Settings, SettingsError
from tests.handlers.conftest import SPACE, Edge, run

PREFIX = "/memory"


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    for started in run(tmp_path_factory.mktemp("prefixed"), root_path=PREFIX):
        assert started.send("PUT", "/api/v1/spaces/diary", {}).status == 201
        yield started


@pytest.fixture(params=["", PREFIX], ids=["a proxy that takes the prefix away", "one that passes it on"])
def seen(request: pytest.FixtureRequest) -> str:
    """What of the prefix the service gets to see."""
    passed_on: str = request.param
    return passed_on


def test_locations_and_problems_lead_behind_the_prefix(prefixed: Edge, seen: str) -> None:
    made = prefixed.post(f"{seen}/api/v1/episodes", {"fields": {"what": "tea"}})
    assert made.status == 201
    location = made.headers["location"]
    assert location.startswith(f"{PREFIX}/api/v1/episodes/ep_")
    assert prefixed.get(location.removeprefix(PREFIX) if not seen else location, SPACE).status == 200
    space = prefixed.send("PUT", f"{seen}/api/v1/spaces/other{len(seen)}", {})
    assert space.headers["location"] == f"{PREFIX}/api/v1/spaces/other{len(seen)}"
    refused = prefixed.get(f"{seen}/api/v1/episodes/none", SPACE).json
    assert refused["type"] == f"{PREFIX}/problems/episode-not-found"
    assert refused["instance"] == f"{PREFIX}/api/v1/episodes/none"
    assert prefixed.get(refused["type"]).status == 200
    item = {"partial_episode": {"known_fields": {"what": "tea"}}, "targets": ["nowhere"]}
    batch = prefixed.post(f"{seen}/api/v1/complete/batch", {"items": [item]})
    assert batch.json["items"][0]["problem"]["type"].startswith(f"{PREFIX}/problems/")


def test_pages_link_to_what_is_behind_the_prefix(prefixed: Edge, seen: str) -> None:
    for page in ("/", "/docs", "/problems", "/problems/schema-violation"):
        offered = PREFIX + page  # as the browser sees it
        body = prefixed.get(seen + page).body.decode()
        linked = [
            urljoin(offered, each)
            for each in re.findall(r'(?:href|src)="([^"]+)"', body)
            if "data:" not in each and each[0] != "#"
        ]
        assert linked
        for target in linked:
            assert target.startswith(f"{PREFIX}/")
            assert prefixed.get(target).status == 200
    script = prefixed.get(f"{seen}/docs/docs.js").body.decode()
    assert 'fetch("openapi.json")' in script
    led = prefixed.get(f"{seen}/docs/").headers["location"]
    assert urljoin(f"{PREFIX}/docs/", led) == f"{PREFIX}/docs"


def test_the_contract_names_the_server_behind_the_prefix(prefixed: Edge, seen: str) -> None:
    assert prefixed.get(f"{seen}/openapi.json").json["servers"][0]["url"] == f"{PREFIX}/api/v1"
    assert yaml.safe_load(prefixed.get(f"{seen}/openapi.yaml").body)["servers"][0]["url"] == f"{PREFIX}/api/v1"


def test_what_only_looks_like_the_prefix_is_not_it(prefixed: Edge) -> None:
    assert prefixed.get("/memoryapi/v1/version").status == 404
    assert prefixed.get("/memory").status == 404


@pytest.mark.parametrize("root_path", ["memory", "/memory/", "/a b", "//x", "/", "/é"])
def test_a_root_path_that_is_none_is_refused(root_path: str) -> None:
    with pytest.raises(SettingsError):
        Settings(root_path=root_path)
