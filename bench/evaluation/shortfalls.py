"""What is said of every row that falls short: what is missing, why, and the ways tried, as `ways` measured them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.evaluation.requirements import BY_ROW
from bench.evaluation.seams import AS_IS
from bench.evaluation.trial import Figure

Json = dict[str, Any]
TEXTS = Path(__file__).parent / "shortfalls.toml"
LEAST_TRIED = 3
LEGEND = """Of every row that falls short: what is missing, why, and other ways, each one switch moved from outside
and the same cues asked again (`make evaluate`, protocol `ways`; n in brackets). In brackets behind a figure its
change against the submitted engine, paired by cue, with its standard error; an ECE has none."""


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One row's text; no figure stands in it."""

    missing: str
    why: str


def read(path: Path = TEXTS) -> dict[str, Shortfall]:
    """The texts by row; `[row]` or `["row data"]` in the file, the latter for one data set alone."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {row: Shortfall(text["missing"], text["why"]) for row, text in found.items()}


def tables(results: Mapping[str, Json]) -> dict[str, Json]:
    """What was measured of other ways, by the table's name."""
    return {
        name: table for key in ("hypotheses", "ways") for name, table in results.get(key, {}).get("raw", {}).items()
    }


def data_set(figure: Figure) -> str:
    """The set a figure is of, less the field where it names one."""
    return figure.data.partition(" ")[0]


def short_of(figures: Sequence[Figure]) -> list[Figure]:
    """The figures that fall short."""
    return [f for f in figures if f.row in BY_ROW and "short" in BY_ROW[f.row].verdict(f)]


def short(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    """The figures that fall short, by the key of their text."""
    rows = read()
    found: dict[str, list[Figure]] = {}
    for f in short_of(figures):
        own = f"{f.row} {f.data}"
        found.setdefault(own if own in rows else f.row, []).append(f)
    return found


def section(figures: Sequence[Figure], measured: Mapping[str, Json]) -> list[str]:
    """The part of the page about what falls short; texts and tables of rows that hold are not shown."""
    found, texts = short(figures), read()
    if not found:
        return []
    lines = ["## What falls short", "", LEGEND, ""]
    shown: set[str] = set()
    for key, own in found.items():
        requirement = BY_ROW[own[0].row]
        lines += [f"### {requirement.title.removeprefix('... ').capitalize()}", ""]
        for f in own:
            sign = "at most" if requirement.is_upper else "at least"
            must = requirement.bound(f)
            lines.append(f"- {f.data}, {f.what}: {f.reached:.3f}, must be {sign} {must:.3f} (n = {f.n:,})")
        text = texts.get(key)
        lines += ["", f"{text.missing} {text.why}" if text else "Not explained yet.", ""]
        for name in dict.fromkeys(name for f in own for name in _tables_of(f, measured)):
            lines += (
                [f"Ways tried: the table *{name}* above.", ""] if name in shown else ways_table(name, measured[name])
            )
            shown.add(name)
    return lines


def complaints(figures: Sequence[Figure], measured: Mapping[str, Json]) -> list[str]:
    """What is wrong: no text for a row that falls short, too few ways measured of it, a text of a row that holds."""
    found, texts = short(figures), read()
    known = {f.row for f in figures}
    lines = [f"no text on why {key} falls short" for key in found if key not in texts]
    for name, count in sorted(_tried(figures, measured).items()):
        if count < LEAST_TRIED:
            lines.append(f"{name} falls short and {count} ways were measured, not {LEAST_TRIED}")
    lines += [
        f"{key} has a text but does not fall short" for key in texts if key.split()[0] in known and key not in found
    ]
    return lines


def _tried(figures: Sequence[Figure], measured: Mapping[str, Json]) -> dict[str, int]:
    """Per row and set that falls short, how many ways other than the submitted one were measured of it."""
    return {
        f"{f.row} {data_set(f)}": len({
            way for name in _tables_of(f, measured) for way in measured[name]["ways"] if way != AS_IS
        })
        for f in short_of(figures)
    }  # fmt: skip


def _tables_of(figure: Figure, measured: Mapping[str, Json]) -> list[str]:
    key = f"{figure.row} {data_set(figure)}"
    return [name for name, table in measured.items() if key in table["rows"]]


def ways_table(name: str, table: Json) -> list[str]:
    """What the ways of one table gave."""
    lines = [f"| {name} | " + " | ".join(table["columns"]) + " |", "|---|" + "---:|" * len(table["columns"])]
    for way, found in table["ways"].items():
        instead = f": {found['instead']}" if found["instead"] else ""
        lines.append(f"| *{way}*{instead} | " + " | ".join(_cells(found["cells"], is_base=way == AS_IS)) + " |")
    return [*lines, ""]


def _cells(cells: Sequence[Sequence[float | None]], *, is_base: bool) -> Iterator[str]:
    for reached, change, error in cells:
        if reached is None or math.isnan(reached):
            yield ""
            continue
        digits = 3 if abs(reached) < 100 else 1
        changed = f" ({change:+.{digits}f}" + (f" ± {error:.{digits}f})" if error is not None else ")")
        yield f"{reached:.{digits}f}{'' if is_base else changed}"
