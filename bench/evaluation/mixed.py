"""Mixed cues: half of them of stored events, half of new events of the same set; nobody says which is which.

Two to five known fields and one asked, of which the service is told nothing else (the default request), that the event
is new, or that it is stored; before anything was learned and after. The sets by lot are ordinary tables of a
folder of the caller's (`--tables`), so that no set is among them because of how it comes out.
"""

from __future__ import annotations

import importlib.util
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.lots import LEAST_P, is_number
from bench.evaluation.measures import ece, ece_floor
from bench.evaluation.pooled import SOURCES
from bench.evaluation.records import BASELINES
from bench.evaluation.trial import SEED, Trial
from engine import Answer, explain, place

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
CUES, FAST_CUES = 1200, 60  # of a set
STORED = {"shop": 1500, "price": 800, "febrl4": 3500, "football": 9000, "bird_strikes": 9000}
GENERATED = ("shop", "price")
KNOWN = (2, 5)
NO_FIELDS = ("id", "occurred_at", "split")
TOLD = {"default": None, "told new": 1.0, "told stored": 0.0}  # `pattern_weight`
GROUPS = {"0": (0, 0), "1": (1, 1), "2": (2, 2), "3-5": (3, 5), "> 5": (6, 10**9)}  # episodes with the cue's values
LEAST = 60  # outcomes of a group that is judged
COLUMNS = ("cues", "n", "said", "match said", "stored", "right", "ECE", "floor")


@dataclass(frozen=True, slots=True)
class Query:
    """A cue, the field asked, its true value, whether its event is new, and how many stored ones have its values."""

    cue: Json
    ask: str
    truth: Any
    is_new: bool
    exact: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one request of a query came to: of a name its `loss` in nats, of a number its `error` in s.d., NaN else."""

    told: str
    is_new: bool
    exact: int
    match: float
    confidence: float
    is_right: bool
    source: str
    table: str
    loss: float
    error: float


def mixed_cues(trial: Trial) -> None:
    """Each set by itself."""
    for name, size in STORED.items():
        rows = rows_of(trial, name)
        episodes, queries = mix(rows, min(size, len(rows) // 2) if trial.is_fast else size, CUES)
        queries = trial.sample(queries, None, FAST_CUES)
        for when, outcomes in _asked(trial, name, f"mixed-{name}", episodes, queries):
            _report(trial, name, when, outcomes, row="mixed")


def ordinary_tables(trial: Trial) -> None:
    """Tables drawn by lot, a folder each with episodes.jsonl and queries.jsonl, all of a lot taken together."""
    lots = [] if trial.tables is None else sorted(p for p in trial.tables.iterdir() if p.is_dir())
    for lot in lots:
        pooled: dict[str, list[Outcome]] = {}
        for table in sorted(p for p in lot.iterdir() if p.is_dir()):
            data = Dataset(table)
            asked = trial.sample(data.rows("queries.jsonl"), None, FAST_CUES)
            queries = [Query(q["cue"], q["ask"], q["truth"], q["new"], q["exact"]) for q in asked]
            space = f"lot-{lot.name}-{table.name}"[:60]
            for when, outcomes in _asked(trial, table.name, space, [e for e in data.episodes("id") if e], queries):
                pooled.setdefault(when, []).extend(outcomes)
        for when, outcomes in pooled.items():
            _report(trial, f"tables, lot {lot.name}", when, outcomes, row="ordinary")
            _beside_boosting(trial, lot.name, when, [o for o in outcomes if o.told == "told new" and o.is_new])


def mix(rows: Sequence[Json], stored: int, wanted: int) -> tuple[list[Json], list[Query]]:
    """(episodes, queries): `stored` of the rows, shuffled; every second query is of another row."""
    rng = random.Random(SEED)
    rows = rng.sample(rows, len(rows))
    episodes, fresh, queries = rows[:stored], rows[stored:], []
    while len(queries) < wanted:
        is_new = len(queries) % 2 == 0
        row = rng.choice(fresh if is_new else episodes)
        if len(row) <= KNOWN[0]:
            continue
        ask = rng.choice(sorted(row))
        others = sorted(set(row) - {ask})
        cue = {name: row[name] for name in rng.sample(others, rng.randint(KNOWN[0], min(KNOWN[1], len(others))))}
        exact = sum(all(episode.get(f) == v for f, v in cue.items()) for episode in episodes)
        queries.append(Query(cue, ask, row[ask], is_new, exact))
    return episodes, queries


def rows_of(trial: Trial, name: str) -> list[Json]:
    """The records of a set, as fields."""
    if name in GENERATED:
        make, rng = generator(trial.folder.parent / "field" / "generators.py", name), random.Random(SEED)
        return [make(rng) for _ in range(2 * STORED[name])]
    rows = trial.data(name).episodes(*NO_FIELDS)
    return [{f: v for f, v in row.items() if not isinstance(v, dict)} for row in rows]


def generator(file: Path, name: str) -> Callable[[random.Random], Json]:
    spec = importlib.util.spec_from_file_location("generators", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    make: Callable[[random.Random], Json] = getattr(module, name)
    return make


def _asked(
    trial: Trial, name: str, space: str, episodes: Sequence[Json], queries: Sequence[Query]
) -> Iterator[tuple[str, list[Outcome]]]:
    """Before the space has learned and after, every query with nothing told, and told what its event is."""
    trial.laboratory.store(space, episodes)
    for when in ("unlearned", "learned"):
        if when == "learned":
            trial.report(f"{name} learns")
            trial.laboratory.consolidate(space)
        outcomes = []
        for query in queries:
            trial.report(f"{name} {when}")
            outcomes += [o for told in TOLD if (o := _outcome(trial, name, space, query, told)) is not None]
        yield when, outcomes


def _outcome(trial: Trial, name: str, space: str, query: Query, told: str) -> Outcome | None:
    """None where the field has no value at all in what is stored."""
    reply = trial.laboratory.ask(space, query.cue, [query.ask], pattern_weight=TOLD[told], verbose=False)
    if reply.answer is None or query.ask not in reply.answer.fields:
        return None
    said, match = reply.answer.fields[query.ask], reply.answer.match
    is_right = reply.is_right(query.ask, said.value, query.truth)
    source = explain(reply.answer, 0).fields[query.ask].source
    merit = _merit(reply.answer, query)
    return Outcome(told, query.is_new, query.exact, match, said.confidence, is_right, source, name, *merit)


def _merit(answer: Answer, query: Query) -> tuple[float, float]:
    posterior, name = answer.posterior, query.ask
    column = posterior.traces.columns[name]
    if column.kind == "number" and is_number(query.truth):
        spread = float(np.std(np.repeat(column.numbers, column.counts))) or 1.0
        return math.nan, abs(place(answer.fields[name].value) - query.truth) / spread
    code = column.find(query.truth)
    chance = 0.0 if code < 0 else posterior.known(name) * float(posterior.probabilities(name)[code])
    return -math.log(max(LEAST_P, chance)), math.nan


def _report(trial: Trial, data: str, when: str, outcomes: Sequence[Outcome], *, row: str) -> None:
    """The figures of a set, and its groups as a table."""
    lines: list[list[str | float]] = []
    default = [o for o in outcomes if o.told == "default"]
    match, stored = np.array([o.match for o in default]), np.array([not o.is_new for o in default], dtype=float)
    floor = ece_floor(match, SEED)
    trial.figure(f"{row}_match", data, f"{when}: ECE of the match", ece(match, stored), len(default), ceiling=floor)
    worst: dict[str, list[tuple[float, float, float, str]]] = {"exact": [], "source": []}
    lines.append(_line("all", default))
    trial.figure(f"{row}_ece", data, f"{when}: ECE", lines[0][-2], len(default), ceiling=lines[0][-1])  # type: ignore[arg-type]
    groups = {f"exact {name}": ("exact", [o for o in default if a <= o.exact <= b]) for name, (a, b) in GROUPS.items()}
    groups |= {name: ("source", [o for o in default if o.source == name]) for name in SOURCES}
    for name, (kind, own) in groups.items():
        if len(own) >= LEAST:
            lines.append(_line(name, own))
            reached, floor = float(lines[-1][-2]), float(lines[-1][-1])
            worst[kind].append((reached - floor, reached, floor, name))
    for kind, found in worst.items():
        if found:
            _, reached, floor, name = max(found)
            what = f"{when}: ECE of the worst group by {kind}, {name}"
            trial.figure(f"{row}_{kind}", data, what, reached, len(groups[name][1]), ceiling=floor)
    for told, is_new in (("told new", True), ("told stored", False)):
        own = [o for o in outcomes if o.told == told and o.is_new == is_new]
        lines.append(_line(told, own))
        what = f"{when}: ECE where {told}"
        trial.figure(f"{row}_{told[5:]}", data, what, lines[-1][-2], len(own), ceiling=lines[-1][-1])  # type: ignore[arg-type]
    recalled = sum(o.source == "recalled" for o in outcomes if o.told == "told new")
    trial.figure(f"{row}_recalled_new", data, f"{when}: recalled where told new", recalled, len(default))
    right = {told: np.mean([o.is_right for o in outcomes if o.told == told]) for told in TOLD}
    pure = max(right["told new"], right["told stored"])
    trial.figure(
        f"{row}_right",
        data,
        f"{when}: right, against the better pure reading",
        right["default"],
        len(default),
        baseline=pure,
    )
    trial.table(f"Mixed cues: {data}, {when}", TABLE, COLUMNS, lines)


TABLE = (
    "By stored episodes that have all of the cue's values, by source, and where it is told whether the event is new."
)


def _beside_boosting(trial: Trial, lot: str, when: str, outcomes: Sequence[Outcome]) -> None:
    """New cues against LightGBM (`bench.evaluation.lots`): pooled, and the share of tables with no higher log-loss."""
    base: Json = json.loads(BASELINES.read_text(encoding="utf-8")).get(f"lot {lot}", {})
    data, lines = f"tables, lot {lot}", []
    named = [o for o in outcomes if not math.isnan(o.loss)]
    for table in sorted({o.table for o in named} & {name for name, made in base.items() if "loss" in made}):
        own = [o.loss for o in named if o.table == table]
        lines.append([table, f"{len(own)}", float(np.mean(own)), base[table]["loss"]])
    numbers = [o.error for o in outcomes if math.isnan(o.loss)]
    for row, what, count, values in (
        ("right", "names right", "names", [float(o.is_right) for o in named]),
        ("loss", "log-loss of names", "names", [o.loss for o in named]),
        ("error", "absolute error of numbers in s.d.", "numbers", numbers),
    ):
        found = np.array([(made[row], made[count]) for made in base.values() if row in made]).reshape(-1, 2)
        beside = float(np.average(found[:, 0], weights=found[:, 1])) if len(found) else None
        trial.figure(f"ordinary_new_{row}", data, f"{when}: {what}", np.mean(values), len(values), baseline=beside)
    if lines:
        won = [loss <= beside + 1e-9 for _, _, loss, beside in lines]
        trial.figure("ordinary_won", data, f"{when}: tables with no higher log-loss", np.mean(won), len(won))
    columns = ("table", "n", "log-loss", "LightGBM")
    trial.table(f"New cues beside LightGBM: lot {lot}, {when}", "Log-loss of names in nats.", columns, lines)


def _line(name: str, outcomes: Sequence[Outcome]) -> list[str | float]:
    said, right = np.array([o.confidence for o in outcomes]), np.array([o.is_right for o in outcomes], dtype=float)
    match, stored = np.mean([o.match for o in outcomes]), np.mean([not o.is_new for o in outcomes])
    return [
        name,
        f"{len(outcomes):,}",
        said.mean(),
        match,
        stored,
        right.mean(),
        ece(said, right),
        ece_floor(said, SEED),
    ]
