"""What is said of every row that falls short: what is missing, why, and what was tried."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.requirements import BY_ROW
from bench.evaluation.trial import Figure

TEXTS = Path(__file__).parent / "shortfalls.toml"
LEAST_TRIED = 3


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One row's text; `tried` are ways and what each gave."""

    missing: str
    why: str
    tried: tuple[str, ...]


def read(path: Path = TEXTS) -> dict[str, Shortfall]:
    """The texts by row; `[row]` or `["row data"]` in the file, the latter for one data set alone."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {row: Shortfall(text["missing"], text["why"], tuple(text["tried"])) for row, text in found.items()}


def short(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    """The figures that fall short, by the key of their text."""
    rows = read()
    found: dict[str, list[Figure]] = {}
    for f in figures:
        if f.row in BY_ROW and "short" in BY_ROW[f.row].verdict(f):
            own = f"{f.row} {f.data}"
            found.setdefault(own if own in rows else f.row, []).append(f)
    return found


def section(figures: Sequence[Figure]) -> list[str]:
    """The part of the page about what falls short; texts of rows that hold are not shown."""
    found, texts = short(figures), read()
    if not found:
        return []
    lines = ["## What falls short", ""]
    for key, own in found.items():
        requirement = BY_ROW[own[0].row]
        lines += [f"### {requirement.title.removeprefix('... ').capitalize()}", ""]
        for f in own:
            sign = "at most" if requirement.is_upper else "at least"
            must = requirement.bound(f)
            lines.append(f"- {f.data}, {f.what}: {f.reached:.3f}, must be {sign} {must:.3f} (n = {f.n:,})")
        text = texts.get(key)
        if text is None:
            lines += ["", "Not explained yet.", ""]
            continue
        lines += ["", f"{text.missing} {text.why}", "", *(f"{i}. {way}" for i, way in enumerate(text.tried, 1)), ""]
    return lines


def complaints(figures: Sequence[Figure]) -> list[str]:
    """What is wrong with the texts: none for a row that falls short, too few ways, a row that is not short."""
    found, texts = short(figures), read()
    measured = {f.row for f in figures}
    lines = [f"no text on why {key} falls short" for key in found if key not in texts]
    lines += [
        f"{key} falls short and names {len(texts[key].tried)} ways that were tried, not {LEAST_TRIED}"
        for key in found
        if key in texts and len(texts[key].tried) < LEAST_TRIED
    ]
    lines += [
        f"{key} has a text but does not fall short" for key in texts if key.split()[0] in measured and key not in found
    ]
    return lines
