"""How often sets with a guarantee hold the true value, on every data set and by two kinds of cue.

Of each set memories are drawn, of at most 1,000 episodes and two thirds of them all, and others of its episodes are
asked for one field, each in turn: from two other fields drawn by chance, or from all others that half of the episodes
have. Every draw has another memory, other episodes that were asked for the threshold, and other events, so the
thresholds are drawn apart; what coverage then varies by is told beside it, and what it would vary by if the guarantee
held exactly: of n episodes asked for a threshold coverage is distributed as Beta((n + 1) c, (n + 1)(1 - c)), of m
events a binomial share of that. Where nothing is promised, as of fewer than 20 episodes, the line says so.
`python -m bench.evaluation.sets` measures every set, `--only NAME` some, `--missing` those without a line; what others
gave before is kept.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

import engine
from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.mixed import generator
from bench.evaluation.trial import SEED
from engine import Block, Schema, Traces, attach, conformal

Json = dict[str, Any]
STORED, EVENTS, LEAST_NEW, GENERATED = 1000, 400, 20, 3000
COVERAGE, WITHIN = 0.9, 0.015
ERROR = WITHIN / 2.0  # thresholds are drawn until coverage would vary by no more than this, were the guarantee exact
MOST_DRAWS = 200
LEFT_OUT = {"id", "split", "dataset", "text", "remarks"}
FIGURES = Path(__file__).parents[2] / "docs/evaluation/sets.json"
COLUMNS = (
    "set", "cue", "asked", "thresholds", "covered", "s.e.", "s.e. of an exact guarantee", "median size", "ms",
)  # fmt: skip


@dataclass(slots=True)
class Told:
    """What came of one kind of cue on one set: hits by threshold, the episodes behind each, sizes, and time."""

    hits: list[list[bool]]
    calibrated: list[int]
    sizes: list[float]
    times: list[float]

    def covered(self) -> float:
        """The share of all events asked."""
        return float(np.mean([hit for own in self.hits for hit in own]))

    def expected_error(self) -> float:
        """The standard error of it, were the guarantee exact and the thresholds drawn apart."""
        asked = sum(map(len, self.hits))
        variance = sum(
            len(own) ** 2 * COVERAGE * (1 - COVERAGE) / (n + 2) + len(own) * COVERAGE * (1 - COVERAGE)
            for own, n in zip(self.hits, self.calibrated, strict=True)
        )
        return math.sqrt(variance) / max(1, asked)

    def error(self) -> float:
        """The standard error as the thresholds differ."""
        asked = sum(map(len, self.hits))
        mean = self.covered()
        return math.sqrt(sum((sum(own) - mean * len(own)) ** 2 for own in self.hits)) / max(1, asked)


def lines(
    folder: Path, only: Sequence[str], error: float, known: Collection[tuple[str, str]] = ()
) -> Iterator[list[str | float]]:
    """The lines of the table, but for those that are `known`."""
    for name, events in worlds(folder):
        if only and name not in only:
            continue
        for kind in ("two fields", "all others"):
            if (name, kind) in known:
                continue
            told = measured(events, kind, error)
            if not told.hits:
                yield [name, kind, "0", "0", *[""] * 5]
                continue
            yield [
                name,
                kind,
                f"{sum(map(len, told.hits)):,}",
                f"{len(told.hits):,}",
                told.covered(),
                told.error(),
                told.expected_error(),
                float(np.median(told.sizes)),
                f"{np.median(told.times) * 1e3:.0f}",
            ]


def worlds(folder: Path) -> Iterator[tuple[str, list[Json]]]:
    """(name, its events): every folder of the data, the tables of one folder one by one, and the generators' events."""
    for path in sorted(folder.iterdir()):
        if not (path / "episodes.jsonl").exists():
            continue
        rows = Dataset(path).rows("episodes.jsonl")
        tables = sorted({str(row["dataset"]) for row in rows if "dataset" in row})
        for table in tables or [path.name]:
            events = [row for row in rows if row.get("dataset", table) == table]
            yield table, [{n: v for n, v in row.items() if n not in LEFT_OUT and v is not None} for row in events]
    yield from _generated(folder.parent / "field" / "generators.py")


def _generated(file: Path) -> Iterator[tuple[str, list[Json]]]:
    if not file.exists():
        return
    for name in ("shop", "price", "chance"):
        make, rng = generator(file, name), random.Random(SEED)
        yield name, [make(rng) for _ in range(GENERATED)]


def measured(events: list[Json], kind: str, error: float) -> Told:
    """What comes of as many thresholds as it takes for coverage to vary by no more than `error`, if it is exact."""
    told, rng = Told([], [], [], []), np.random.default_rng(SEED)
    fields = rng.permutation(sorted({name for event in events for name in event})).tolist()
    for draw in range(MOST_DRAWS):
        _threshold(events, kind, fields[draw % len(fields)], rng, told)
        if told.hits and told.expected_error() < error:
            break
    return told


def _threshold(events: list[Json], kind: str, target: str, rng: np.random.Generator, told: Told) -> None:
    """Draw a memory, and ask others for one of its fields."""
    order = rng.permutation(len(events)).tolist()
    size = min(STORED, 2 * len(events) // 3)
    traces = Traces()
    traces.extend([events[i] for i in order[:size]], [math.nan] * size, [None] * size)
    others = [name for name, column in traces.columns.items() if name != target and 2 * column.present >= size]
    names = rng.permutation(others)[:2].tolist() if kind == "two fields" else others
    new = [events[i] for i in order[size:]]
    asked = [each for each in new if target in each and all(name in each for name in names)]
    if target not in traces.columns or len(asked) < LEAST_NEW:
        return
    block = Block(traces, Schema(attach(traces).weights))
    begun = process_time()
    given = conformal.scores(block, names, [target])[target]
    if len(given.rows):
        told.times.append(process_time() - begun)
        chosen = rng.choice(len(asked), min(EVENTS, len(asked)), replace=False).tolist()
        # The same question has the same draw among equals: another for each event, as another memory would give.
        drawn = [replace(given, lot=rng.bytes(8)) for _ in chosen]
        told.hits.append(
            [_holds(block, asked[i], names, target, own, told.sizes) for i, own in zip(chosen, drawn, strict=True)]
        )
        told.calibrated.append(len(given.rows))


def _holds(
    block: Block, event: Json, names: Sequence[str], target: str, given: conformal.Scores, sizes: list[float]
) -> bool:
    """Whether the set of one event holds its value; its size is noted as a share of the values, or of the range."""
    column, truth = block.traces.columns[target], event[target]
    found = conformal.conformal(block, {name: event[name] for name in names}, target, given, COVERAGE)
    if found.low is None or found.high is None:  # an empty one of a number or a time, too
        sizes.append(len(found.values) / column.distinct)
        return found.with_unseen if column.find(truth) < 0 else truth in found.values
    low, high, own = (engine.place(each) for each in (found.low, found.high, truth))
    places = column.numbers[~np.isnan(column.numbers)]
    sizes.append((high - low) / max(1e-300, float(np.ptp(places))))
    return low <= own <= high


def figures(found: Sequence[Json]) -> Json:
    """What the page of features says of the table."""
    asked = [line for line in found if line["thresholds"] != "0"]
    shares = [float(line["covered"]) for line in asked]
    within = sum(abs(share - COVERAGE) <= WITHIN for share in shares)
    told = f"{within} of {len(asked)} within 1.5 points of 90 %, from {min(shares):.3f} to {max(shares):.3f}"
    exact = sum(
        abs(share - COVERAGE) <= 2.0 * float(line["s.e. of an exact guarantee"])
        for share, line in zip(shares, asked, strict=True)
    )
    return {"sets": f"{told}; {exact} within two standard errors of an exact guarantee", "lines": list(found)}


def kept() -> dict[tuple[str, str], Json]:
    """The lines among the figures, by set and cue."""
    found = json.loads(FIGURES.read_text("utf-8"))["lines"] if FIGURES.exists() else []
    return {(each["set"], each["cue"]): each for each in found}


def keep(line: Json) -> None:
    """Put a line in its place among the figures."""
    by_place = {**kept(), (line["set"], line["cue"]): line}
    FIGURES.write_text(json.dumps(figures([by_place[place] for place in sorted(by_place)]), indent=2) + "\n", "utf-8")


def main() -> int:
    """Print the table line by line, and keep its figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.sets", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="the folder with the evaluation data")
    parser.add_argument("--only", nargs="*", default=[], help="these sets alone")
    parser.add_argument("--missing", action="store_true", help="those without a line alone")
    parser.add_argument("--error", type=float, default=ERROR, help="how far coverage may vary by chance, as one s.e.")
    options = parser.parse_args()
    print(" | ".join(COLUMNS))
    for line in lines(options.data, options.only, options.error, kept() if options.missing else ()):
        print(" | ".join(f"{each:.3f}" if isinstance(each, float) else each for each in line), flush=True)
        keep(dict(zip(COLUMNS, line, strict=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
