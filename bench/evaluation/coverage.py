"""Other choices of the three hypotheses: how often the winner or one of them has the true value of a field."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

from bench.evaluation.measures import paired
from bench.evaluation.records import SETS
from bench.evaluation.seams import AS_IS
from bench.evaluation.trial import SEED, Trial
from engine.answer import hypotheses
from engine.answer.completion import Answer
from engine.answer.hypotheses import Alternative
from engine.memory.arrays import Codes

Json = dict[str, Any]
Column = npt.NDArray[np.float64]
EVENTS, FAST_EVENTS = 60, 4
TABLE = "truth within four"


def hypotheses_chosen(trial: Trial) -> None:
    """Stored events by half of their fields: per way the share of fields, and of whole events, among the four."""
    asked = {name: _cues(trial, name) for name in SETS}
    hits: dict[str, list[tuple[Column, Column]]] = {}
    for way, (_, seam) in WAYS.items():
        with seam():
            hits[way] = [_among(trial, name, way, cues) for name, cues in asked.items()]
    made = {
        way: {
            "instead": instead,
            "cells": [
                paired(e, b)
                for own, base in zip(hits[way], hits[AS_IS], strict=True)
                for e, b in zip(own, base, strict=True)
            ],
        }
        for way, (instead, _) in WAYS.items()
    }
    columns = [f"{name}: {what} ({len(cues)})" for name, cues in asked.items() for what in ("fields", "whole events")]
    trial.raw[TABLE] = {"rows": ["within all"], "columns": columns, "ways": made}


def _cues(trial: Trial, name: str) -> list[tuple[Json, Json]]:
    """(half of a stored event's fields, the others)."""
    records = trial.data(name).episodes("split")
    trial.laboratory.store(name, records)
    if not trial.is_fast:
        trial.laboratory.consolidate(name)
    rng, cues = np.random.default_rng(SEED), []
    for record in trial.sample(records, EVENTS, FAST_EVENTS):
        names = rng.permutation(sorted(record.keys() - {"id"})).tolist()
        kept = names[: len(names) // 2]
        cues.append(({n: record[n] for n in kept}, {n: record[n] for n in names[len(kept) :]}))
    return cues


def _among(trial: Trial, name: str, way: str, cues: list[tuple[Json, Json]]) -> tuple[Column, Column]:
    """Per event, the share of its fields that one of the four has right, and whether one of them is all right."""
    fields, whole = [], []
    for cue, hidden in cues:
        trial.report(f"{name}: {way}")
        reply = trial.laboratory.ask(name, cue, tuple(hidden))
        ranked = {target: [value for value, _ in reply.ranked(target)] for target in hidden}
        right = np.array([[reply.is_right(t, v, truth) for v in ranked[t]] for t, truth in hidden.items()])
        fields.append(float(right.any(axis=1).mean()))
        whole.append(float(right.all(axis=0).any()))
    return np.array(fields), np.array(whole)


def _ordered_by(place: int) -> Callable[[], AbstractContextManager[Any]]:
    """The records of the greatest settled weight (0) or weight (1)."""

    def cover(records: Codes, said: Codes, _likely: Any, order: tuple[Any, ...], wanted: int) -> list[int]:
        is_open = (records != said).any(axis=1)
        ranked = np.lexsort((order[2], np.where(is_open, np.round(order[place], 12), -1.0)))[::-1]
        return [int(k) for k in ranked[:wanted] if is_open[k]]

    return lambda: mock.patch.object(hypotheses, "_cover", cover)


def _one_by_one() -> AbstractContextManager[Any]:
    """For every target its own next likeliest values, whether they go together or not."""

    def records(answer: Answer, wanted: int) -> list[Alternative]:
        own = {f.name: hypotheses._values(answer.posterior, f, wanted) for f in answer.fields.values()}
        found = []
        for place in range(wanted):
            at = {name: others[place] for name, others in own.items() if place < len(others)}
            values = {n: at[n].values[n] if n in at else answer.fields[n].value for n in own}
            found.append(Alternative(values, min((a.confidence for a in at.values()), default=0.0)))
        return found

    return mock.patch.object(hypotheses, "_records", records)


WAYS: dict[str, tuple[str, Callable[[], AbstractContextManager[Any]]]] = {
    AS_IS: ("the settled record first, then by the probability nobody has told", nullcontext),
    "heaviest records": ("the records of most weight among the candidates", _ordered_by(1)),
    "settled records": ("the records on which the attractor settles, in their order", _ordered_by(0)),
    "field by field": ("for every field its own next likeliest values, whether they go together or not", _one_by_one),
}
