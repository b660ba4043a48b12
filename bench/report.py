"""Tables for people: the measured figures with the machine, the commit and the command they came from."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.quality import Figure

DOCS = Path(__file__).parent.parent / "docs"


def origin(command: str) -> str:
    """One line that says how the figures below it were made."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=DOCS.parent
    ).stdout.strip()
    processor = next(
        (line.split(":")[1].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.processor(),
    )
    return f"Made by `{command}` at commit {commit or 'unknown'}, Python {platform.python_version()}, {processor}."


def quality_table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table."""
    rows = ["| data | what | reached | must | baseline | ceiling | |", "|---|---|---|---|---|---|---|"]
    for f in figures:
        verdict = "" if f.must is None else "holds" if f.holds else "**falls short**"
        cells = [f.data, f.what, *map(_number, (f.reached, f.must, f.baseline, f.ceiling)), verdict]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def replace_section(page: str, name: str, body: str) -> None:
    """Put `body` between the markers of this name in a page of docs/, leaving the rest as it is."""
    path = DOCS / page
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    if not rest or end not in rest:
        raise ValueError(f"{page} has no section {name}")
    path.write_text(f"{before}{begin}\n{body}\n{end}{after}", encoding="utf-8")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _lines(path: Path) -> Sequence[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else ()
