"""What lies outside the base path: documentation from this server alone, problem pages, probes."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin

import pytest
import yaml

from handlers import problems
from handlers.contract import CONTRACT
from tests.handlers.conftest import Edge


def test_the_contract_is_served_as_it_is(edge: Edge) -> None:
    served = edge.get("/openapi.yaml")
    assert served.body == CONTRACT.read_bytes()
    with_code = edge.get("/openapi.json").json
    operations = [part for item in with_code["paths"].values() for part in item.values() if isinstance(part, dict)]
    assert {sample["lang"] for each in operations for sample in each.pop("x-codeSamples")} >= {"Shell", "Python"}
    assert with_code == json.loads(json.dumps(yaml.safe_load(served.body), default=str))
    again = edge.get("/openapi.yaml", ("if-none-match", served.headers["etag"]))
    assert (again.status, again.body) == (304, b"")


def test_the_documentation_loads_nothing_from_elsewhere(edge: Edge) -> None:
    page = edge.get("/docs")
    assert page.status == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    linked = re.findall(r'(?:href|src)="([^"]+)"', page.body.decode())
    local = [target for target in linked if not target.startswith("data:")]
    assert len(local) >= 3
    for target in local:
        assert not target.startswith(("/", "http")), "relative, so that it holds behind any prefix"
        assert edge.get(urljoin("/docs", target)).status == 200
    assert len(edge.get("/docs/swagger-ui.js").body) > 1_000_000


@pytest.mark.parametrize("slug", sorted(problems.TYPES))
def test_every_problem_type_has_a_page(edge: Edge, slug: str) -> None:
    page = edge.get(f"/problems/{slug}")
    assert page.status == 200
    assert problems.TYPES[slug].code in page.body.decode()
    assert f'href="problems/{slug}"' in edge.get("/problems").body.decode()


def test_probes_and_metrics_answer(edge: Edge) -> None:
    assert edge.get("/livez").json == {"status": "ok"}
    assert edge.get("/readyz").json == {"status": "ok"}
    edge.get("/api/v1/version")
    exposed = edge.get("/metrics").body.decode()
    assert 'recollect_requests_total{operation="get_version",status="200",transport="http"}' in exposed
    assert "diary" not in exposed


def test_another_spelling_leads_to_the_documentation(edge: Edge) -> None:
    answer = edge.get("/docs/")
    assert (answer.status, urljoin("/docs/", answer.headers["location"])) == (307, "/docs")


def test_the_explorer_loads_nothing_from_elsewhere_and_runs_no_inline_code(edge: Edge) -> None:
    page = edge.get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    document = page.body.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", document)
    for target in set(re.findall(r'(?:href|src)="([^"#]+)"', document)):
        assert edge.get(f"/{target}").status == 200


def test_the_explorer_is_small_and_whole(edge: Edge) -> None:
    """All its files together; every module that another imports is served, with the page's own policy."""
    seen, rest = {"/"}, ["/"]
    while rest:
        path = rest.pop()
        answer = edge.get(path)
        assert (answer.status, path, answer.headers["x-content-type-options"]) == (200, path, "nosniff")
        linked = re.findall(r'(?:src|href)="(explorer/[^"]+)"|from "(\./[^"]+)"', answer.body.decode())
        fresh = {urljoin(path, one or other) for one, other in linked} - seen
        seen |= fresh
        rest += fresh
    assert len(seen) > 10
    assert sum(len(edge.get(path).body) for path in seen) <= 200_000
