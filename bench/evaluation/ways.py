"""What other ways give on the rows that fall short: the same cues asked again, one switch moved at a time.

Only rows that fall short are measured, on the cues of the row itself or a seeded sample of them (n stands in the
head of every column). What a way gives is shown beside the submitted engine on the same cues, as the mean of the
paired differences and its standard error; an ECE has none. The last columns tell what the way costs elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation import retrieval, seams
from bench.evaluation.measures import ece, is_right, paired
from bench.evaluation.records import SETS, more, official
from bench.evaluation.seams import ANSWERS, DAMAGED, FIELDS, NUMBERS, RELATIONS, Way
from bench.evaluation.trial import Trial

Json = dict[str, Any]
Column = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
OWN, FURTHER, BROKEN = "own", "further", "damaged"
FURTHER_PER_TARGET, FURTHER_PER_NUMBER, FAST_PER_TARGET, BESIDE = 40, 80, 2, 60
RELATIONS_ASKED, FAST_RELATIONS = 240, 10
MEASURED_NUMBERS = {"football": ("home_score",), "bird_strikes": ("height_ft", "speed_kt")}


@dataclass(frozen=True, slots=True)
class Query:
    """One cue of a space, the field asked of it and its true value; `part` says what kind of cue it is."""

    part: str
    space: str
    cue: Json
    ask: str
    expected: Any
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What one way told of every query: confidence, 1 where right, and how far off a number is; NaN where not asked."""

    confidence: Column
    right: Column
    error: Column

    def each(self, kind: str) -> Column:
        """One number per query, of which the mean is told."""
        return {"right": self.right, "brier": (self.confidence - self.right) ** 2, "error": self.error}[kind]


@dataclass(frozen=True, slots=True)
class Measure:
    """One column of a table: what is measured of the answers to some of the queries."""

    title: str
    kind: str  # right, brier, ece, error
    mask: Mask

    def head(self) -> str:
        """The title with its n."""
        return f"{self.title} ({int(self.mask.sum()):,})"

    def cell(self, told: Told, as_is: Told) -> list[float | None]:
        """[what was reached, its change, the standard error of the change]; NaN where nothing was asked."""
        if self.kind == "ece":
            reached, before = (ece(t.confidence[self.mask], t.right[self.mask]) for t in (told, as_is))
            return [reached, reached - before, None]
        return paired(told.each(self.kind)[self.mask], as_is.each(self.kind)[self.mask])


def ways(trial: Trial) -> None:
    """Every table that a row which falls short needs."""
    for name in SETS:
        _record_set(trial, name)
    _relations(trial)
    if _needed(trial, "vector_noise_0.5 digits_assoc"):
        trial.raw["vectors"] = retrieval.measure(trial)


def _needed(trial: Trial, *rows: str) -> bool:
    return trial.short is None or any(row in trial.short for row in rows)


def _record_set(trial: Trial, name: str) -> None:
    rows = {
        ANSWERS: [f"{row} {name}" for row in ("new", "new_boosted", "new_brier")],
        NUMBERS: [f"new_number {name}"],
        FIELDS: [f"calibration_field {name}"],
        DAMAGED: [f"noisy {name}"],
    }
    tables = [table for table, served in rows.items() if _needed(trial, *served)]
    if not tables:
        return
    queries = _queries(trial, name)
    figures = {table: COLUMNS[table](name, queries) for table in tables}
    for table, found in _measure(trial, queries, figures).items():
        trial.raw[f"{table} {name}"] = {"rows": rows[table], **found}


def _relations(trial: Trial) -> None:
    """Who and whom in time, where one entity alone is true."""
    rows = ["calibration_field icews14"]
    if not _needed(trial, *rows):
        return
    data = trial.data("icews14")
    episodes = [e for e in data.rows("episodes.jsonl") if e["split"] == "train"]
    space = "icews14_train"
    trial.laboratory.store(space, [{k: v for k, v in e.items() if k != "split"} for e in episodes])
    trial.laboratory.consolidate(space)
    single = [q for q in data.rows("queries.jsonl") if not q["also_true"]]
    asked = trial.sample(single, RELATIONS_ASKED, FAST_RELATIONS)
    queries = [Query(OWN, space, q["cue"], q["ask"], q["expected"]) for q in asked]
    found = _measure(trial, queries, {RELATIONS: _relation_columns(queries)})
    trial.raw["relations icews14"] = {"rows": rows, **found[RELATIONS]}


def _queries(trial: Trial, name: str) -> list[Query]:
    """The set's own queries about new events, some further ones of every target, and its damaged cues."""
    data = trial.data(name)
    types = json.loads((trial.folder / name / "schema.json").read_text(encoding="utf-8"))
    episodes = data.rows("episodes.jsonl")
    train, whole = f"{name}_train", name
    trial.laboratory.store(train, [{k: v for k, v in e.items() if k != "split"} for e in episodes if _is_past(e)])
    trial.laboratory.store(whole, data.episodes("split"))
    for space in (train, whole) if not trial.is_fast else ():
        trial.laboratory.consolidate(space)
    own = official(data)
    targets = list(dict.fromkeys(q["ask"] for q in own))
    further: list[Json] = []
    every = more(name, episodes, targets)
    for target in targets:
        of_target = [q for q in every if q["ask"] == target]
        count = FURTHER_PER_NUMBER if target in MEASURED_NUMBERS[name] else FURTHER_PER_TARGET
        further += trial.sample(of_target, count, FAST_PER_TARGET)
    damaged = [q for q in data.rows("queries.jsonl") if q["regime"] == "noisy"]
    parts = (
        (OWN, train, trial.sample(own, None, 12)),
        (FURTHER, train, further),
        (BROKEN, whole, trial.sample(damaged, None, 8)),
    )
    return [
        Query(part, space, q["cue"], q["ask"], q["expected"], types[q["ask"]] == "numeric")
        for part, space, asked in parts
        for q in asked
    ]


def _is_past(episode: Json) -> bool:
    return bool(episode["split"] == "train")


def _measure(trial: Trial, queries: Sequence[Query], figures: Mapping[str, Sequence[Measure]]) -> dict[str, Json]:
    """Per table its columns, and per way what is done instead and its cells."""
    tables: dict[str, Json] = {
        table: {"columns": [f.head() for f in columns], "ways": {}} for table, columns in figures.items()
    }
    as_is: Told | None = None
    for name, way in seams.WAYS.items():
        own = [table for table in figures if table in way.tables]
        if not own:
            continue
        needed = np.any([f.mask for table in own for f in figures[table]], axis=0)
        told = _ask(trial, name, way, queries, needed)
        as_is = as_is or told
        for table in own:
            cells = [f.cell(told, as_is) for f in figures[table]]
            tables[table]["ways"][name] = {"instead": way.instead, "cells": cells}
    return tables


def _ask(trial: Trial, name: str, way: Way, queries: Sequence[Query], needed: Mask) -> Told:
    told = Told(*(np.full(len(queries), np.nan) for _ in range(3)))
    with way.seam():
        for i in np.flatnonzero(needed).tolist():
            query = queries[i]
            trial.report(f"{query.space}: {name}")
            reply = trial.laboratory.ask(
                query.space, query.cue, [query.ask], hypotheses=0, pattern_weight=way.weight, verbose=False
            )
            assert reply.answer is not None
            field = reply.answer.fields[query.ask]
            told.confidence[i] = field.confidence
            told.right[i] = is_right(field.value, query.expected, field.tolerance)
            if query.is_number:
                told.error[i] = abs(float(str(field.value)) - query.expected)
    return told


def _mask(queries: Sequence[Query], holds: Callable[[Query], bool]) -> Mask:
    return np.array([holds(q) for q in queries], dtype=bool)


def _some(mask: Mask) -> Mask:
    """At most BESIDE of them, spread over all."""
    places = np.flatnonzero(mask)
    kept = np.zeros_like(mask)
    kept[places[:: max(1, -(-len(places) // BESIDE))]] = True
    return kept


def _answer_columns(_name: str, queries: Sequence[Query]) -> list[Measure]:
    own, further = (_mask(queries, lambda q, p=part: q.part == p and not q.is_number) for part in (OWN, FURTHER))  # type: ignore[misc]
    return [
        Measure("right, own", "right", own),
        Measure("right, further", "right", further),
        Measure("Brier, own", "brier", own),
        Measure("Brier, further", "brier", further),
        Measure("ECE, both", "ece", own | further),
        _beside(queries),
    ]


def _number_columns(name: str, queries: Sequence[Query]) -> list[Measure]:
    columns = []
    for target in MEASURED_NUMBERS[name]:
        for part in (OWN, FURTHER):
            mask = _mask(queries, lambda q, t=target, p=part: q.ask == t and q.part == p)  # type: ignore[misc]
            columns.append(Measure(f"{target}: error, {part}", "error", mask))
    return [*columns, _beside(queries)]


def _field_columns(_name: str, queries: Sequence[Query]) -> list[Measure]:
    targets = list(dict.fromkeys(q.ask for q in queries))
    masks = {t: _mask(queries, lambda q, t=t: q.ask == t and q.part != BROKEN) for t in targets}  # type: ignore[misc]
    return [*(Measure(f"{t}: ECE", "ece", mask) for t, mask in masks.items()), _beside(queries)]


def _damaged_columns(_name: str, queries: Sequence[Query]) -> list[Measure]:
    damaged = _mask(queries, lambda q: q.part == BROKEN)
    new = _some(_mask(queries, lambda q: q.part == OWN and not q.is_number))
    return [
        Measure("right", "right", damaged),
        Measure("Brier", "brier", damaged),
        Measure("new events: right", "right", new),
        Measure("new events: Brier", "brier", new),
    ]


def _relation_columns(queries: Sequence[Query]) -> list[Measure]:
    columns = []
    for target in dict.fromkeys(q.ask for q in queries):
        mask = _mask(queries, lambda q, t=target: q.ask == t)  # type: ignore[misc]
        columns += [Measure(f"{target}: ECE", "ece", mask), Measure(f"{target}: right", "right", mask)]
    return [*columns, Measure("Brier", "brier", np.ones(len(queries), dtype=bool))]


def _beside(queries: Sequence[Query]) -> Measure:
    return Measure("damaged cues: right", "right", _some(_mask(queries, lambda q: q.part == BROKEN)))


COLUMNS: dict[str, Callable[[str, Sequence[Query]], list[Measure]]] = {
    ANSWERS: _answer_columns,
    NUMBERS: _number_columns,
    FIELDS: _field_columns,
    DAMAGED: _damaged_columns,
}
