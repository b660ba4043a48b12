"""`python -m bench speed | speed-check | profile | compare`: the table, its cheap part as a gate, where the time goes,
two runs side by side."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import report
from bench.speed import commands, edge, engine, figures, profile, served, tables
from bench.speed.figures import Figure

SIZES = (20, 1_000, 10_000, 100_000, 1_000_000)
SERVED_SIZE = 50_000
PARTS = ("edge", "engine", "tables", "commands", "served")
RESULTS = figures.ROOT / "docs" / "performance" / "results.json"
PLOT = figures.ROOT / "docs" / "performance" / "completion.png"
# What holds on any machine: ratios of processor time within one run, with room for noise.
GATES = {
    # The twin's small request takes 150 µs on a quiet machine and 250 beside other work, ours 185 and 220.
    ("overhead", "minimal, p50", "FastAPI"): 1.6,
    ("overhead", "verbose, 768 numbers in and out, p50", "FastAPI"): 1.15,
    ("writing 4 vectors of 768", "base64, from arrays", "json.dumps of lists"): 0.1,
    # Most of either is fitting the kernels of new events anew (`engine.recollection.match`); without it both are < 12.
    ("reading a space", "no snapshot", "parsing its rows"): 25.0,
    ("erasure, then a completion", "not learned", "without"): 300.0,
}
GATED_SIZE = 10_000
ATTEMPTS = 4
LARGEST_GROWTH = 0.6  # exponent of the completions from 10^3 to 10^4


def main(arguments: Sequence[str]) -> int:
    """Run what is named; 1 when a gate does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", choices=["speed", "speed-check", "profile", "compare"])
    parser.add_argument("runs", nargs="*", type=Path, help="for compare: two JSON files")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), default=SIZES)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--json", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    if chosen.what == "compare":
        if len(chosen.runs) != 2:
            parser.error("compare takes two files")
        print(figures.compare(*map(figures.load, chosen.runs)))
        return 0
    if chosen.what == "speed-check":
        return _check()
    if chosen.what == "profile":
        told = f"{report.origin('make bench-profile')}\n\n{profile.table(chosen.sizes, _tell)}"
        report.replace_section("performance.md", "profile", told)
        return 0
    found = list(_measured(chosen.sizes, chosen.only or PARTS))
    if chosen.json.exists():  # a partial run renews its own rows
        found = figures.renewed(figures.load(chosen.json), found)
    figures.save(found, chosen.json)
    print(figures.table(found))
    if chosen.json == RESULTS:
        _publish(found)
    return 0


def _measured(sizes: Sequence[int], parts: Sequence[str]) -> Iterator[Figure]:
    if "edge" in parts:
        _tell("edge")
        yield from edge.measure()
    if "engine" in parts:
        yield from engine.measure(sizes, _tell)
    if "tables" in parts:
        _tell("tables")
        yield from tables.measure(min(SERVED_SIZE, max(sizes)))
    if "commands" in parts:
        _tell("commands")
        yield from commands.measure()
    if "served" in parts:
        yield from served.measure(min(SERVED_SIZE, max(sizes)), _tell)


def _check() -> int:
    """The gates on their small sizes; what fails is measured anew, for a machine may be busy with other things."""
    failed: list[str] = []
    for _ in range(ATTEMPTS):
        failed = _failing()
        if not failed:
            break
    print("\n".join(failed) or f"{len(GATES)} ratios and the growth of completion hold.")
    return int(bool(failed))


def _failing() -> list[str]:
    found = [*edge.measure(), *engine.measure((1_000, GATED_SIZE), _tell, with_vectors=False)]
    failed = []
    for f in found:
        gate = GATES.get((f.row, f.case, f.twin_is))
        if gate is not None and f.size in {0, GATED_SIZE} and f.ratio is not None and f.ratio > gate:
            failed.append(f"{f.row}, {f.case}: {f.ratio:.2f} × {f.twin_is}, at most {gate:g} is held")
        if f.row == "growth of completion" and f.value > LARGEST_GROWTH:
            failed.append(f"{f.row}, {f.case}: exponent {f.value:.2f}, at most {LARGEST_GROWTH:g} is held")
    return failed


def _publish(found: Sequence[Figure]) -> None:
    """Put the table and its plot into the documentation."""
    import matplotlib.pyplot as plt  # not needed by the gate, nor installed for it

    report.replace_section("performance.md", "speed", f"{report.origin('make bench')}\n\n{figures.table(found)}")
    axes = plt.subplots(figsize=(7, 4))[1]
    for case in dict.fromkeys(f.case for f in found if f.row == "completion"):
        line = sorted((f.size, f.value) for f in found if f.row == "completion" and f.case == case)
        axes.loglog(*zip(*line, strict=True), marker="o", label=case)
    axes.set(xlabel="episodes", ylabel="ms of processor time, median", title="One completion, ten fields, one core")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    plt.tight_layout()
    plt.savefig(PLOT, dpi=110)


def _tell(stage: str) -> None:
    print(stage, file=sys.stderr, flush=True)
