"""The confidences with and without the corrections that are in force.

The missing cells of the numeric tables and new events of the record sets, each asked once with the space's
corrections and once without; the answers must be the same, only their confidences may differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.ablations import with_schema
from bench.evaluation.laboratory import Laboratory
from bench.evaluation.measures import ece, with_error
from bench.evaluation.records import SETS, more, official
from bench.evaluation.trial import Trial

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
Query = tuple[Json, Json]  # the cue, and the truth of every target
ROWS, EVENTS, FAST = 40, 250, 5
FLOOR = 1e-6
TITLE = "What correcting confidences is worth"
TOLD = """Missing cells of the numeric tables and new events of the record sets, asked with the maps in force and
without any; the answers are the same, their confidences are not. The change of the log-loss of being right is
paired by cue."""
COLUMNS = ("set", "answers", "fields with a map", "ECE, no map", "ECE", "log-loss, no map", "change with maps")


def with_and_without(trial: Trial) -> None:
    """One line per set, and one over all."""
    lines: list[list[str | float]] = []
    pool: list[Floats] = []
    for space, records, queries in (*_tables(trial.folder), *_events(trial.folder)):
        trial.report(space)
        trial.laboratory.store(space, records)
        trial.laboratory.consolidate(space)
        asked = trial.sample(queries, EVENTS if space.endswith("_train") else ROWS, FAST)
        found = measure(trial.laboratory, space, asked)
        pool += found
        maps = trial.laboratory.learned[space].settings["corrections"]
        lines.append(_line(space, found, f"{len(maps)} of {len(trial.laboratory.memory(space).traces.columns)}"))
    trial.table(TITLE, TOLD, COLUMNS, [*lines, _line("all", pool, "")])


def measure(service: Laboratory, space: str, queries: Sequence[Query]) -> list[Floats]:
    """Per cue float64[T, 3]: confidence without corrections, with them, and right, of every completed field."""
    found = []
    for cue, truths in queries:
        replies = []
        for seam in (with_schema(lambda schema: replace(schema, corrections={})), nullcontext):
            with seam():
                replies.append(service.ask(space, cue, tuple(truths), hypotheses=0))
        told = []
        for target, truth in truths.items():
            (value, without), (same, corrected) = (reply.ranked(target)[0] for reply in replies)
            if value != same:
                raise AssertionError(f"{space}: a correction changed an answer of {target}")
            told.append([without, corrected, float(replies[0].is_right(target, value, truth))])
        found.append(np.array(told))
    return found


def _line(space: str, found: Sequence[Floats], maps: str) -> list[str | float]:
    without, corrected, right = np.concatenate(found).T
    before, after = (np.array([_loss(told[:, side], told[:, 2]) for told in found]) for side in (0, 1))
    errors = ece(without, right), ece(corrected, right)
    return [space, f"{len(right):,}", maps, *errors, float(before.mean()), with_error(after - before, 4)]


def _loss(confidence: Floats, right: Floats) -> float:
    p = np.where(right > 0.5, confidence, 1.0 - confidence)
    return float(-np.log(np.maximum(p, FLOOR)).mean())


def _tables(folder: Path) -> Iterator[tuple[str, list[Json], list[Query]]]:
    """The tables with their holes, and some of the rows that have any."""
    data = Dataset(folder / "imputation_uci")
    masks = {q["dataset"]: q["missing"] for q in data.rows("queries.jsonl") if q["seed"] == 0}
    by_table: dict[str, list[Json]] = {}
    for record in data.rows("episodes.jsonl"):
        by_table.setdefault(record["dataset"], []).append(record)
    for table, records in by_table.items():
        names = [name for name in records[0] if name.startswith("x")]
        stored, queries = [], []
        for record, gone in zip(records, masks[table], strict=True):
            known = {n: record[n] for i, n in enumerate(names) if i not in gone and record[n] is not None}
            hidden = {names[i]: record[names[i]] for i in gone if record[names[i]] is not None}
            if known:
                stored.append({"id": record["id"], **known})
            if known and hidden:
                queries.append((known, hidden))
        yield f"uci_{table}", stored, queries


def _events(folder: Path) -> Iterator[tuple[str, list[Json], list[Query]]]:
    """The training parts of the record sets, and new events with one field hidden."""
    for name in SETS:
        data = Dataset(folder / name)
        episodes = data.rows("episodes.jsonl")
        train = [{k: v for k, v in e.items() if k != "split"} for e in episodes if e["split"] == "train"]
        asked = more(name, episodes, list(dict.fromkeys(q["ask"] for q in official(data))))
        yield f"{name}_train", train, [(q["cue"], {q["ask"]: q["expected"]}) for q in asked]
