"""Headless Chromium for the tests of pages: what a page complains of and where it calls is kept and judged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import playwright
from playwright.sync_api import Browser, Page, expect, sync_playwright

SCREENSHOTS = Path(__file__).parent.parent.parent / "build" / "browser"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Nothing but this machine can be found, whatever the page asks for.
ARGUMENTS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-background-networking"]

# Playwright brings a Node.js along; `make` takes that one away where the machine has its own.
if not (Path(playwright.__file__).parent / "driver" / "node").exists() and (node := shutil.which("node")):
    os.environ["PLAYWRIGHT_NODEJS_PATH"] = node

WAIT_MS = 300_000  # a loaded machine is slow; nothing here is timed


@contextmanager
def browsing() -> Iterator[Browser]:
    """The browser. Its sandbox refuses to run as root, as containers and CI machines do."""
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@contextmanager
def watched(page: Page, url: str, *meant: str) -> Iterator[Page]:
    """A page whose console must hold nothing but errors of the statuses that are meant, and that calls only `url`."""
    complaints: list[str] = []
    hosts: set[str] = set()
    page.set_default_timeout(WAIT_MS)
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    yield page
    assert [text for text in complaints if not any(status in text for status in meant)] == []
    assert hosts - {""} <= {urlsplit(url).netloc}


def keep(page: Page, name: str) -> None:
    """Keep what it looks like."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
