"""The documentation page in a real browser: what a newcomer does in the first minute.

Headless Chromium opens /docs, gives a key, and tries the minimal, the verbose and the refused
completion. Screenshots stay in build/browser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.contract.browsing import CHROMIUM, browsing, keep, watched
from tests.contract.server import Server, serving

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the documentation page is not clicked")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("browser"), with_key=True) as served:
        yield served


@pytest.fixture(scope="module")
def page(server: Server) -> Iterator[Page]:
    """The documentation page; its console must be empty and it calls nowhere else."""
    # Chromium itself reports the refused completion, and the explorer's question without a key; both are meant.
    with browsing() as browser, watched(browser.new_page(), server.url, "422", "401") as page:
        page.set_viewport_size({"width": 1280, "height": 1600})
        page.goto(f"{server.url}/docs")
        page.locator(".opblock").first.wait_for()
        yield page


def open_operation(page: Page, operation_id: str) -> Locator:
    """Unfold an operation."""
    block = page.locator(f"#operations-completion-{operation_id}")
    if "is-open" not in (block.get_attribute("class") or ""):
        block.locator(".opblock-summary-control").click()
    block.locator(".execute").wait_for()
    return block


def execute(block: Locator, example: str, *, verbose: bool) -> tuple[int, Any]:
    """Fill in the space, choose an example, press Execute; the status and the body that the page shows."""
    block.locator("tr[data-param-name='X-Memory-Space'] input").fill("demo")
    block.locator("tr[data-param-name='verbose'] select").select_option("true" if verbose else "false")
    examples = block.locator(".opblock-section-request-body .examples-select-element")
    examples.select_option(label=next(text for text in examples.locator("option").all_inner_texts() if example in text))
    shown = block.locator(".live-responses-table .response")
    if shown.count():  # what an earlier request got must not be taken for the answer
        block.get_by_role("button", name="Clear", exact=True).click()
    expect(shown).to_have_count(0)
    block.locator(".execute").click()
    expect(shown.locator(".response-col_status")).to_have_text(re.compile(r"\d{3}"))
    status = int(re.findall(r"\d{3}", shown.locator(".response-col_status").inner_text())[0])
    code = shown.locator(".highlight-code code, .microlight").first
    expect(code).to_have_text(re.compile(r"\}\s*$"))
    return status, json.loads(code.inner_text())


def test_a_newcomer_gives_a_key(page: Page, server: Server) -> None:
    keep(page, "1-docs")
    page.locator(".btn.authorize").first.click()
    page.locator(".auth-container input").fill(server.key or "")
    page.locator(".auth-btn-wrapper .authorize").click()
    keep(page, "2-authorised")
    page.locator(".auth-btn-wrapper .btn-done").click()


@pytest.mark.parametrize(
    ("name", "example", "verbose", "expected"),
    [
        ("3-minimal", "The smallest request", False, 200),
        ("4-verbose", "The smallest request", True, 200),
        ("5-refused", "(gives 422)", False, 422),
    ],
)
def test_a_newcomer_tries_a_completion(page: Page, name: str, example: str, verbose: bool, expected: int) -> None:
    block = open_operation(page, "complete")
    status, body = execute(block, example, verbose=verbose)
    block.locator(".opblock-section-request-body").evaluate("part => part.scrollIntoView()")
    keep(page, name)
    assert status == expected
    if expected == 422:
        assert body["code"] == "INSUFFICIENT_EVIDENCE"
        assert body["suggestions"]
    else:
        assert body["completed_episode"]["fields"]["where"] == "kitchen"
        assert ("source_attribution" in body) is verbose


def test_nothing_is_filled_in_that_only_some_requests_need(page: Page) -> None:
    block = open_operation(page, "recall")
    for name in ("X-Request-Id", "traceparent"):
        expect(block.locator(f"tr[data-param-name='{name}'] input")).to_have_value("")
    expect(block.locator("tr[data-param-name='X-Memory-Space'] input")).to_have_value("demo")


def test_code_stands_beside_an_operation_and_names_this_server(page: Page, server: Server) -> None:
    block = open_operation(page, "recall")
    samples = block.locator(".samples")
    expect(samples).to_contain_text(f"curl -s '{server.url}/api/v1/recall'")
    samples.get_by_role("button", name="Python").click()
    expect(samples).to_contain_text("from recollect_sdk import Recollect")
    keep(page, "6-code")


def test_the_colours_are_those_of_the_system_and_the_explorer_is_linked(page: Page, server: Server) -> None:
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_class(re.compile("dark-mode"))
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).not_to_have_class(re.compile("dark-mode"))
    page.get_by_role("link", name="Explorer").click()
    expect(page).to_have_url(f"{server.url}/")
    page.get_by_role("link", name="API reference").click()
    expect(page).to_have_url(f"{server.url}/docs")


def test_the_explorer_asks_for_a_key_and_keeps_it_nowhere(page: Page, server: Server) -> None:
    browser = page.context.browser
    assert browser is not None
    with watched(browser.new_page(), server.url, "401") as explorer:  # in a context of its own: nothing is stored yet
        explorer.goto(server.url)
        explorer.get_by_label("API key").fill(server.key or "")
        explorer.get_by_role("button", name="Use", exact=True).click()
        explorer.get_by_role("button", name="Show me an example").click()
        expect(explorer.locator(".field", has_text="where")).to_contain_text("kitchen")
        code = explorer.get_by_role("tabpanel").locator("pre code").inner_text()
        assert "$RECOLLECT_KEY" in code
        assert str(server.key) not in code
        assert explorer.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
        explorer.reload()
        expect(explorer.get_by_label("API key")).to_be_visible()
