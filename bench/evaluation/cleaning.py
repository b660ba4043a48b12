"""Corrupted cells of hospital records put right: the cell hidden, the record completed from the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from bench.evaluation.trial import Trial

Json = dict[str, Any]
# The client knows what it hid, and that it was wrong: another value takes its place, and one more typing
# error makes it e^6 times less likely (one letter in four hundred), up to where it may as well be any other.
NATS_PER_EDIT, NATS_ANY_OTHER = 6.0, 30.0
ALTERNATIVES = 50


def repaired_cells(trial: Trial) -> None:
    """Every wrong cell, at most one hidden in a record at a time; all other wrong cells stay as they are."""
    data = trial.data("clean_hospital")
    records = {r["id"]: r for r in data.episodes()}
    trial.laboratory.store("clean_hospital", list(records.values()))
    if not trial.is_fast:
        trial.laboratory.consolidate("clean_hospital")
    plain, repaired, confidence = [], [], []
    for batch in _rounds(trial.sample(data.rows("queries.jsonl"), None, 80)):
        for query in batch:
            fields = {k: v for k, v in records[query["episode"]].items() if k not in ("id", query["ask"])}
            trial.laboratory.put("clean_hospital", query["episode"], fields)
        for query in batch:
            trial.report("hospital")
            cue = {k: v for k, v in records[query["episode"]].items() if k not in ("id", query["ask"])}
            reply = trial.laboratory.ask("clean_hospital", cue, [query["ask"]], hypotheses=ALTERNATIVES)
            plain.append(trial.judge("cells", reply, query["ask"], query["expected"]))
            value, sure = _closest(reply.ranked(query["ask"]), query["dirty_value"])
            repaired.append(str(value) == str(query["expected"]))
            confidence.append(sure)
        for query in batch:
            fields = {k: v for k, v in records[query["episode"]].items() if k != "id"}
            trial.laboratory.put("clean_hospital", query["episode"], fields)
    n = len(plain)
    trial.figure("cells", data.name, "F1, best value", np.mean(plain), n, baseline=0.686)
    trial.figure(
        "cells", "clean_hospital", "F1, alternative closest to what was hidden", np.mean(repaired), n, baseline=0.686
    )
    sure, right = np.array(confidence) >= 0.5, np.array(repaired)
    precision, recall = right[sure].mean(), right[sure].sum() / n
    trial.figure(
        "cells_gated", "clean_hospital", "F1 when refused below .5", 2 * precision * recall / (precision + recall), n
    )


def _closest(ranked: list[tuple[Any, float]], hidden: Any) -> tuple[Any, float]:
    """The value of greatest probability given what was hidden, and that probability."""
    ranked = [(value, p) for value, p in ranked if str(value) != str(hidden)] or ranked
    edits = [Levenshtein.distance(str(value), str(hidden)) for value, _ in ranked]
    log = [
        np.log(max(p, 1e-12)) - min(NATS_PER_EDIT * d, NATS_ANY_OTHER) for (_, p), d in zip(ranked, edits, strict=True)
    ]
    weights = np.exp(np.array(log) - max(log))
    best = int(weights.argmax())
    return ranked[best][0], float(weights[best] / weights.sum())


def _rounds(queries: list[Json]) -> list[list[Json]]:
    """Batches in which no record occurs twice."""
    rounds: list[list[Json]] = []
    seen: list[set[str]] = []
    for query in queries:
        place = next((i for i, ids in enumerate(seen) if query["episode"] not in ids), len(rounds))
        if place == len(rounds):
            rounds.append([])
            seen.append(set())
        rounds[place].append(query)
        seen[place].add(query["episode"])
    return rounds
