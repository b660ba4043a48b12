"""The guide: every page renders, leads to pages that are there, and needs nothing but its style sheet."""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath

import pytest

from handlers.guide import FILES, ROOT, SOURCES, Guide
from tests.handlers.conftest import Edge

GUIDE = Guide()
BESIDE = {"/", "/docs", "/problems", "/docs/guide.css", "/explorer/icon.svg"}
PAGES = [path for path, source in GUIDE.paths.items() if source.suffix == ".md"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_stands_by_itself(path: str) -> None:
    content, media_type = GUIDE.read(path)
    page = content.decode()
    assert media_type == "text/html; charset=utf-8"
    assert page.count("<h1") == 1
    assert not re.search(r"<script|\sstyle=|\son\w+=|src=\"https?:", page)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_to_a_page_and_a_heading(path: str) -> None:
    page = GUIDE.read(path)[0].decode()
    for link in re.findall(r'(?:href|src)="([^"]+)"', page):
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        place = normpath(join(dirname(path), target)) if target else path
        if place in GUIDE.paths and anchor:
            assert f'id="{anchor}"' in GUIDE.read(place)[0].decode(), link
        assert place in GUIDE.paths or place in {"/", "/docs", "/problems", "/docs/guide.css", "/explorer/icon.svg"}, (
            link
        )


def test_the_service_serves_it_under_its_policy(edge: Edge) -> None:
    found = edge.get("/guide/runbook")
    assert found.status == 200
    assert b"RecollectSlow" in found.body
    assert found.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert edge.get("/guide/runbook", ("if-none-match", found.headers["etag"])).status == 304
    assert edge.get("/guide/").headers["location"] == "../guide"
    assert edge.get("/guide/explorer/empty.webp").headers["content-type"] == "image/webp"
    released = edge.get("/guide/releases/1.0.0.yaml")
    assert released.body == (ROOT / "docs" / "releases" / "1.0.0.yaml").read_bytes()
    assert edge.get("/guide/nothing").status == 404
    assert b'href="guide"' in edge.get("/").body
    assert b'href="guide"' in edge.get("/docs").body


def test_what_is_built_carries_the_pages_of_the_checkout() -> None:
    setup = (ROOT / "setup.py").read_text("utf-8")
    for folder in (*SOURCES, *FILES):
        assert f'"{folder}"' in setup
