"""What the explorer costs who opens it: `make weigh` prints the figures for docs/explorer.md.

Measured in headless Chromium against a server on this machine, each time in a fresh context, so that nothing is cached.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, expect

from tests.contract.browsing import browsing
from tests.contract.server import Server, serving

OPENINGS = 5
AXE = Path(__file__).parent / "axe"
# Times in ms since the navigation began, and how far what is shown has jumped while it loaded.
PAINTS = """
() => new Promise((resolve) => new PerformanceObserver((list, observer) => {
  observer.disconnect();
  const [page] = performance.getEntriesByType("navigation");
  const shifts = performance.getEntriesByType("layout-shift").filter((each) => !each.hadRecentInput);
  resolve({
    "first paint": performance.getEntriesByName("first-contentful-paint")[0].startTime,
    "largest paint": list.getEntries().at(-1).startTime,
    "loaded": page.loadEventEnd,
    "shift": shifts.reduce((sum, each) => sum + each.value, 0),
  });
}).observe({ type: "largest-contentful-paint", buffered: true }))
"""


def opened(browser: Browser, server: Server, axe: str) -> dict[str, float]:
    """One opening: bytes over the wire, requests, paints, violations of axe-core."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    lengths: list[float] = []
    wire.on("Network.loadingFinished", lambda event: lengths.append(event["encodedDataLength"]))
    page.goto(server.url)
    expect(page.get_by_text("Show me an example")).to_be_visible()
    page.wait_for_load_state("networkidle")
    paints: dict[str, Any] = page.evaluate(PAINTS)
    page.evaluate(axe)
    violations = page.evaluate("axe.run().then((report) => report.violations.length)")
    context.close()
    return {"kB": sum(lengths) / 1000, "requests": len(lengths), **paints, "axe": violations}


def axe_core(folder: Path) -> str:
    """The source of axe-core, as the lock has it."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(AXE / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


def main() -> None:
    """Print the table: medians of the openings."""
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as modules:
        axe = axe_core(Path(modules))
        with serving(Path(data)) as server, browsing() as browser:
            found = [opened(browser, server, axe) for _ in range(OPENINGS)]
    told = {name: median(each[name] for each in found) for name in found[0]}
    print(
        f"| Transferred | {told['kB']:.0f} kB in {told['requests']:.0f} requests, the episodes of the demo among them |"
    )
    print(f"| First contentful paint | {told['first paint']:.0f} ms |")
    print(f"| Largest contentful paint | {told['largest paint']:.0f} ms |")
    print(f"| Layout shift | {told['shift']:.3f} |")
    print(f"| Violations found by axe-core | {max(each['axe'] for each in found):.0f} |")


if __name__ == "__main__":
    main()
