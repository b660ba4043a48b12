"""Take the pictures of the explorer that the documentation shows: `make pictures`."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.contract.browsing import browsing
from tests.contract.server import Server, serving

PICTURES = Path(__file__).parents[2] / "docs" / "explorer"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
QUALITY = 80
# The page lets each step stand for a moment; a picture of one takes longer than that on a busy machine.
SLOWER = "const wait = setTimeout; window.setTimeout = (act, ms) => wait(act, 10 * ms)"


def opened(
    browser: Browser, server: Server, *, is_still: bool = True, is_dark: bool = False, is_phone: bool = False
) -> Page:
    """The explorer with the demo open."""
    page = browser.new_page(
        viewport=PHONE if is_phone else DESK,  # type: ignore[arg-type]  # both are sizes
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce" if is_still else "no-preference",
    )
    if not is_still:
        page.add_init_script(SLOWER)
    page.goto(server.url)
    page.get_by_text("Show me an example").wait_for()
    return page


def ask(page: Page, *, is_awaited: bool = True, **known: str) -> None:
    """Ask with some fields."""
    for at, (name, value) in enumerate(known.items()):
        row = page.get_by_role("group", name="Something known").nth(at)
        row.get_by_label("Field", exact=True).fill(name)
        row.get_by_label("Value", exact=True).fill(value)
    page.keyboard.press("Enter")
    if is_awaited:
        page.locator(".foot:not(:empty), .refusal:not([hidden])").first.wait_for()
        page.wait_for_load_state("networkidle")
        page.locator("h1").click()  # the cursor goes out of the picture


def keep(page: Page, name: str, *, is_whole: bool = False) -> None:
    """Keep a picture, small: as WebP."""
    if is_whole:
        page.evaluate("scrollTo(0, 0)")  # what sticks to the top would stand in its midst
    size = page.evaluate("({width: innerWidth, height: innerHeight, whole: document.documentElement.scrollHeight})")
    top = 0 if is_whole else page.evaluate("scrollY")
    clip = {"x": 0, "y": top, "width": size["width"], "height": size["whole" if is_whole else "height"], "scale": 1}
    taken = page.context.new_cdp_session(page).send(
        "Page.captureScreenshot",
        {"format": "webp", "quality": QUALITY, "clip": clip, "captureBeyondViewport": is_whole},
    )
    (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))
    page.close()


def take(browser: Browser, server: Server) -> None:
    """All of them."""
    keep(opened(browser, server), "empty")
    page = opened(browser, server, is_still=False)
    ask(page, what="breakfast", is_awaited=False)
    page.locator(".chart .dot").nth(1).wait_for()
    keep(page, "running")
    for name, options in {"completed": {}, "dark": {"is_dark": True}, "phone": {"is_phone": True}}.items():
        page = opened(browser, server, **options)
        ask(page, what="breakfast")
        if name == "phone":
            page.locator(".summary").scroll_into_view_if_needed()
            page.evaluate("scrollTo(0, document.querySelector('.stage').offsetTop - 12)")
        keep(page, name)
    page = opened(browser, server)
    ask(page, what="walk", who="Jonas", weather="sunny")
    page.locator(".field button", has_text="mood").click()
    page.wait_for_load_state("networkidle")
    keep(page, "why", is_whole=True)
    page = opened(browser, server)
    page.get_by_text("Settings").click()
    page.get_by_label("How sure must an answer be?").select_option("0.9")
    page.get_by_label("who", exact=True).check()
    ask(page, weather="rainy")
    keep(page, "refused")


def main() -> None:
    """Serve the demo as a newcomer finds it, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data, serving(Path(data)) as server, browsing() as browser:
        take(browser, server)


if __name__ == "__main__":
    main()
