"""`python -m bench.evaluation.corrections`: the confidences with and without the corrections that are in force.

The missing cells of the numeric tables and new events of the record sets, each asked once with the space's
corrections and once without; the answers must be the same, only their confidences may differ.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.ablations import with_schema
from bench.evaluation.cache import Cache, engine_digest
from bench.evaluation.laboratory import Laboratory, laboratory
from bench.evaluation.measures import ece, is_right
from bench.evaluation.records import SETS, more, official
from bench.evaluation.trial import SEED

Json = dict[str, Any]
Query = tuple[Json, Json]  # the cue, and the truth of every target
ROWS, EVENTS = 150, 800
FLOOR = 1e-6


def main() -> None:
    """Print one line per set, and one over all."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.corrections", description=__doc__)
    parser.add_argument("sets", nargs="*", help="default: all of them")
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    arguments = parser.parse_args()
    pool: list[list[float]] = []
    print("| set | n | fields corrected | ECE without | with | log-loss without | with |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with laboratory(Cache(engine_digest())) as service:
        for space, records, queries in (*_tables(arguments.data), *_events(arguments.data)):
            if arguments.sets and space not in arguments.sets:
                continue
            service.store(space, records)
            service.consolidate(space)
            found = measure(service, space, queries)
            pool += found
            maps = service.learned[space].settings["corrections"]
            print(_line(space, found, f"{len(maps)} of {len(service.memory(space).traces.columns)}"), flush=True)
    print(_line("all", pool, ""))


def measure(service: Laboratory, space: str, queries: Sequence[Query]) -> list[list[float]]:
    """(confidence without corrections, with them, right) of every completed field."""
    found = []
    for cue, truths in queries:
        replies = []
        for seam in (with_schema(lambda schema: replace(schema, corrections={})), nullcontext):
            with seam():
                replies.append(service.ask(space, cue, tuple(truths)))
        for target, truth in truths.items():
            (value, without), (same, corrected) = (reply.ranked(target)[0] for reply in replies)
            if value != same:
                raise AssertionError(f"{space}: a correction changed an answer of {target}")
            found.append([without, corrected, float(is_right(value, truth))])
    return found


def _line(space: str, found: Sequence[Sequence[float]], maps: str) -> str:
    without, corrected, right = np.array(found).T
    errors = f"{ece(without, right):.3f} | {ece(corrected, right):.3f}"
    losses = f"{_loss(without, right):.4f} | {_loss(corrected, right):.4f}"
    return f"| {space} | {len(found):,} | {maps} | {errors} | {losses} |"


def _loss(confidence: np.ndarray, right: np.ndarray) -> float:
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
        yield f"uci_{table}", stored, _some(queries, ROWS)


def _events(folder: Path) -> Iterator[tuple[str, list[Json], list[Query]]]:
    """The training parts of the record sets, and new events with one field hidden."""
    for name in SETS:
        data = Dataset(folder / name)
        episodes = data.rows("episodes.jsonl")
        train = [{k: v for k, v in e.items() if k != "split"} for e in episodes if e["split"] == "train"]
        asked = more(name, episodes, list(dict.fromkeys(q["ask"] for q in official(data))))
        yield f"{name}_train", train, _some([(q["cue"], {q["ask"]: q["expected"]}) for q in asked], EVENTS)


def _some(queries: list[Query], count: int) -> list[Query]:
    chosen = np.random.default_rng(SEED).permutation(len(queries))[:count]
    return [queries[i] for i in sorted(chosen.tolist())]


if __name__ == "__main__":
    main()
