"""docs/evaluation.md and its pictures."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.evaluation import screen, shortfalls, worth
from bench.evaluation.cache import engine_digest
from bench.evaluation.requirements import BY_ROW, REQUIREMENTS
from bench.evaluation.trial import SEED, Figure
from bench.report import DOCS, origin

Json = dict[str, Any]
HEAD = "| what | data | measured | n | must | aim | reached | baseline | ceiling | verdict |"
RULE = "|---|---|---|---:|---:|---:|---:|---:|---:|---|"
PREFACE = """Every figure is measured through the service (import, consolidate, complete) in process, over a real
store in a temporary folder. *Baseline* is the best of the other methods, or a published or naive one;
*ceiling* is what no method can pass where that is known (an oracle's expected share, the sampling
floor of a calibration error), or the best published. *Reached* in bold falls short of what it must.
`docs/evaluation/protocols.md` says how each row is measured.
"""


def write(results: Mapping[str, Json], figures: Sequence[Figure]) -> None:
    """The page, from what was measured."""
    from bench.evaluation import pictures  # what draws is installed for `make evaluate` alone

    folder = DOCS / "evaluation"
    folder.mkdir(exist_ok=True)
    drawn = pictures.draw(folder, results)
    made = (
        f"{origin('make evaluate')} {os.cpu_count()} cores, one used. Seed {SEED}; engine {engine_digest()} "
        "(others are named under Runs)."
    )
    parts = ["# How good it is", "", made, "", PREFACE, _summary(figures), "", table(figures), ""]
    parts += shortfalls.section(figures, shortfalls.tables(results))
    parts += _beside(results)
    parts += worth.sections(results)
    parts += ["## Pictures", "", *(f"![{title}](evaluation/{name})" for name, title in drawn), ""]
    parts += ["## Runs", "", "| protocol | engine | CPU seconds | completions |", "|---|---|---:|---:|"]
    parts += [
        f"| {name} | {r['engine']} | {r.get('cpu_seconds', r['seconds']):.0f} | {r['dynamics']['runs']:,} |"
        for name, r in results.items()
    ]
    (DOCS / "evaluation.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    screen.write()


def table(figures: Iterable[Figure], *, plain: bool = False) -> str:
    """All figures in the order of the requirements, as Markdown, or in columns to read at a terminal."""
    place = {requirement.row: i for i, requirement in enumerate(REQUIREMENTS)}
    rows = [_cells(f) for f in sorted(figures, key=lambda f: place.get(f.row, 999))]
    if plain:
        return "\n".join(
            f"{c[0]:<36.36} {c[1]:<18.18} {c[2]:<46.46} {c[3]:>6} {c[4]:>9} {c[6]:>9} {c[7]:>6} {c[8]:>6} {c[9]}"
            for c in rows
        )
    return "\n".join([HEAD, RULE, *("| " + " | ".join(cell.replace("|", "\\|") for cell in c) + " |" for c in rows)])


def _cells(f: Figure) -> list[str]:
    requirement = BY_ROW.get(f.row)
    if requirement is None:
        return [
            f.row,
            f.data,
            f.what,
            f"{f.n:,}",
            "",
            "",
            _number(f.reached),
            _number(f.baseline),
            _number(f.ceiling),
            "",
        ]
    verdict = requirement.verdict(f)
    must = requirement.bound(f)
    sign = "<= " if requirement.is_upper else ""
    bound = "" if must is None else sign + _number(must)
    reached = _number(f.reached)
    if "short" in verdict:
        reached = f"**{reached}**"
    goal = requirement.goal(f)
    aim = "" if goal is None else sign + _number(goal)
    beside = [_number(f.baseline), _number(f.ceiling), verdict]
    return [requirement.title, f.data, f.what, f"{f.n:,}", bound, aim, reached, *beside]


def _summary(figures: Sequence[Figure]) -> str:
    verdicts = [BY_ROW[f.row].verdict(f) for f in figures if f.row in BY_ROW and BY_ROW[f.row].bound(f) is not None]
    short = sum("short" in v for v in verdicts)
    return f"{len(verdicts) - short} of {len(verdicts)} required figures hold; {short} fall short."


def _beside(results: Mapping[str, Json]) -> list[str]:
    """The table of all baselines on new events."""
    raw = {k: v for k, v in results.get("new", {}).get("raw", {}).items() if k.startswith("new ")}
    lines: list[str] = []
    for key, found in raw.items():
        methods = {"Recollect": found["ours"], **found["baselines"]}
        numbers = sorted({target for m in methods.values() for target in m["mae"]})
        lines += [
            f"## New events: {key.removeprefix('new ')}", "",
            "| method | accuracy | ECE | Brier | " + " | ".join(f"{n} MAE" for n in numbers) + " |",
            "|---|---:|---:|---:|" + "---:|" * len(numbers),
        ]  # fmt: skip
        for name, m in methods.items():
            errors = [_number(m["mae"].get(n, {}).get("mae")) for n in numbers]
            lines.append(
                f"| {name} | {m['accuracy']:.3f} | {m['ece']:.3f} | {m['brier']:.3f} | " + " | ".join(errors) + " |"
            )
        lines.append("")
    return lines


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"
