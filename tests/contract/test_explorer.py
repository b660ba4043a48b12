"""The explorer in a real browser: asked by hand, answered, explained, refused and helped on.

Screenshots stay in build/browser.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from google.protobuf import json_format
from playwright.sync_api import Browser, Page, expect

from recollect.rpc.v1 import completion_pb2
from tests.contract.browsing import CHROMIUM, browsing, keep, watched
from tests.contract.server import Server, serving

AXE = Path(__file__).parent / "axe"
ROOT = Path(__file__).parents[2]
PYTHON_CLIENTS = ("clients/python", "generated_clients/python")
ORDERS = ROOT / "docs" / "examples" / "orders.csv"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the explorer is not clicked")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("explorer")) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The explorer, opened, without motion."""
    fresh = browser.new_page(viewport={"width": 1280, "height": 1000}, reduced_motion="reduce")
    with watched(fresh, server.url, "422") as page:
        page.goto(server.url)
        expect(page.get_by_label("Memory space")).to_have_value("demo")
        yield page
    fresh.close()


@pytest.fixture(scope="module")
def violations(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Page], list[str]]:
    """What axe-core finds on a page, by rule and place."""
    if shutil.which("npm") is None:
        pytest.skip("axe-core needs npm, which is not installed here")
    folder = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(AXE / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    source = (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")

    def find(page: Page) -> list[str]:
        page.evaluate(source)  # by the debugger, which the page's own policy does not bind
        found = page.evaluate("axe.run().then((report) => report.violations)")
        return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]

    return find


def ask(page: Page, **known: str) -> None:
    """Type what is known, and ask."""
    for at, (name, value) in enumerate(known.items()):
        row = page.get_by_role("group", name="Something known").nth(at)
        row.get_by_label("Field", exact=True).fill(name)
        row.get_by_label("Value", exact=True).fill(value)
    page.keyboard.press("Enter")


def test_a_cue_is_completed_and_every_field_tells_how_sure_it_is(page: Page) -> None:
    keep(page, "explorer-1-empty")
    ask(page, what="breakfast")
    place = page.locator(".field", has=page.get_by_text("where", exact=True))
    expect(place).to_contain_text("kitchen")
    expect(place).to_contain_text("%")
    expect(page.locator(".figure", has_text="Energy")).to_contain_text("settled")
    expect(page.locator(".why")).to_contain_text("Why “kitchen”?")
    expect(page.locator(".episode").first).to_contain_text("breakfast")
    keep(page, "explorer-2-completed")


def test_a_click_on_a_field_tells_why(page: Page) -> None:
    ask(page, what="breakfast")
    page.locator(".field button", has_text="who").click()
    expect(page.locator(".why h3")).to_contain_text("Mara")
    expect(page.locator(".waterfall")).to_contain_text("what = breakfast")
    expect(page.locator(".others li").nth(1)).to_contain_text("%")
    keep(page, "explorer-3-why")


def test_a_refusal_is_helped_on_by_its_own_suggestion(page: Page) -> None:
    page.get_by_text("Settings").click()
    page.get_by_label("How sure must an answer be?").select_option("0.9")
    page.get_by_label("who", exact=True).check()
    ask(page, weather="rainy")
    expect(page.locator(".refusal")).to_contain_text("Not enough to go by")
    keep(page, "explorer-4-refused")
    page.get_by_role("button", name="Reduce ca1_threshold").click()
    expect(page.locator(".field", has_text="who")).to_contain_text("%")
    expect(page.locator(".refusal")).to_be_hidden()


def shown_code(page: Page, language: str) -> str:
    """The request in a language, as the page shows it."""
    page.get_by_role("button", name=language, exact=True).click()
    code = page.get_by_role("tabpanel").locator("pre code")
    expect(code).to_contain_text("breakfast")
    return code.inner_text()


def test_the_request_is_shown_as_code_that_runs(page: Page, server: Server) -> None:
    ask(page, what="breakfast", who="Jonas's")
    page.get_by_text("Settings").click()
    page.get_by_label("What do you mean?").select_option("1")
    page.get_by_label("How sure must an answer be?").select_option("0")
    curl = shown_code(page, "curl")
    sent_by_curl = json.loads(shlex.split(curl)[-1])
    told = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, timeout=300, check=True)
    answer = json.loads(told.stdout)
    assert answer["completed_episode"]["fields"]["who"] == "Jonas's"
    assert set(answer["why"]) >= {"where", "mood"}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(ROOT / path) for path in PYTHON_CLIENTS)}
    python = subprocess.run(
        [sys.executable, "-c", shown_code(page, "Python")], env=environment, capture_output=True, text=True, timeout=300
    )
    assert python.returncode == 0, python.stderr
    assert re.search(r"^where .+ [\d.e-]+ \w+$", python.stdout, re.MULTILINE)
    sent = shlex.split(shown_code(page, "grpcurl"))
    message = json_format.Parse(sent[sent.index("-d") + 1], completion_pb2.CompleteRequest())
    assert [(field.name, field.value.text) for field in message.partial_episode.known_fields] == [
        ("what", "breakfast"),
        ("who", "Jonas's"),
    ]
    assert (message.config.prior_stored, message.verbose, len(message.include)) == (1.0, True, 3)
    [asked] = re.findall(r"completeRequest\((.*?)\);\n", shown_code(page, "TypeScript"), re.DOTALL)
    assert json.loads(asked) == sent_by_curl, "the generated client names members as the contract does"


def test_names_and_values_are_completed_by_keyboard_alone(page: Page) -> None:
    page.get_by_label("Field", exact=True).focus()
    page.keyboard.type("wea")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("sun")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    given = page.locator(".field.given")
    expect(given).to_contain_text("weather")
    expect(given).to_contain_text("sunny")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_page_is_accessible(page: Page, violations: Callable[[Page], list[str]], scheme: str, width: int) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # one of the two
    page.set_viewport_size({"width": width, "height": 900})
    assert violations(page) == []
    ask(page, what="breakfast")
    expect(page.locator(".foot")).to_contain_text("ms")
    expect(page.locator(".others .loading")).to_have_count(0)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the page"
    keep(page, f"explorer-5-{scheme}-{width}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["guide", "guide/concepts", "guide/evaluation", "guide/metrics", "problems"])
def test_the_guide_is_accessible_and_fits(
    browser: Browser, server: Server, violations: Callable[[Page], list[str]], path: str, scheme: str, width: int
) -> None:
    fresh = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    with watched(fresh, server.url) as page:
        page.goto(f"{server.url}/{path}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the page"
        keep(page, f"guide-{path.replace('/', '-')}-{scheme}-{width}")
    fresh.close()


def test_a_file_becomes_a_memory_after_a_look_at_how_it_is_read(
    page: Page, violations: Callable[[Page], list[str]]
) -> None:
    page.get_by_role("button", name="From a file").click()
    page.locator("#file").set_input_files(ORDERS)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("400 records")
    expect(dialog.get_by_role("row", name="unit_price")).to_contain_text("number")
    assert violations(page) == []
    keep(page, "explorer-6-file")
    dialog.get_by_role("button", name="Store 400 episodes").click()
    expect(page.get_by_label("Memory space")).to_have_value("orders")
    ask(page, shop="Porto")
    expect(page.locator(".field", has_text="country")).to_contain_text("PT")
    page.locator(".field button", has_text="country").click()
    page.get_by_role("button", name="Right", exact=True).click()
    expect(page.locator(".judgement")).to_contain_text("Noted")
    page.get_by_role("tab", name="What it learned").click()
    expect(page.locator(".patterns li").first).to_contain_text("→")


@pytest.mark.parametrize("while_reading", [False, True])
def test_a_file_that_is_not_stored_leaves_nothing_behind(page: Page, server: Server, while_reading: bool) -> None:
    page.get_by_role("button", name="From a file").click()
    with page.expect_response(lambda reply: reply.request.method == "DELETE") as erased:
        page.locator("#file").set_input_files(
            {"name": "passing.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n3,4\n"}
        )
        if not while_reading:
            expect(page.get_by_role("dialog")).to_contain_text("2 records")
        page.get_by_role("button", name="Close").click()
    assert erased.value.ok
    assert page.request.get(f"{server.api}/spaces/passing").status == 404


@pytest.mark.parametrize(
    ("tab", "begin", "shown"),
    [
        ("What it learned", None, ".patterns"),
        ("How far to trust it", "Measure", ".facts-list"),
        ("Suspicious cells", "Look for wrong cells", ".audit"),
        ("Episodes", None, ".numbers"),
    ],
)
def test_a_tab_looks_deeper(
    page: Page, violations: Callable[[Page], list[str]], tab: str, begin: str | None, shown: str
) -> None:
    page.get_by_role("tab", name=tab).click()
    panel = page.get_by_role("tabpanel", name=tab)
    if begin:
        panel.get_by_role("button", name=begin).click()
    expect(panel.locator(shown).first).to_be_visible()
    assert violations(page) == []
    panel.scroll_into_view_if_needed()
    keep(page, f"explorer-7-{tab.replace(' ', '-').lower()}")
