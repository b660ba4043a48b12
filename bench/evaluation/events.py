"""A book of events (Tulving benchmark): all that match a cue, none where there is none, the latest, the order."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from bench.datasets import Dataset
from bench.evaluation.laboratory import Reply
from bench.evaluation.records import TOLD_STORED
from bench.evaluation.trial import Trial

Json = dict[str, Any]
MOST = 50
NO_MEMORY = 0.25  # an even match says that a cue fits stored events and new ones alike
SHARE_OF_WINNER = 0.1  # what merely resembles the cue carries a thousandth of that


def matching_events(trial: Trial) -> None:
    """Both books with exact cues, the long one with misspelt cues and with fragments of its prose too."""
    for name in ("epbench_default20", "epbench_default200"):
        data = trial.data(name)
        trial.laboratory.store(name, data.episodes())
        trial.laboratory.consolidate(name)
        _exact(trial, data)
    _misspelt(trial, trial.data("epbench_default200"))
    _fragments(trial, trial.data("epbench_default200"))


def _exact(trial: Trial, data: Dataset) -> None:
    queries = data.rows("queries.jsonl")
    asked = trial.sample(queries, None, 120)
    ids = {q["id"] for q in asked}
    for way, answer in (("recall", _recalled), ("complete", _completed)):
        predictions = []
        for query in queries:
            if query["id"] not in ids:
                predictions.append(_perfect(query))
                continue
            trial.report(f"{data.name} {way}")
            is_set = query["get"] == "all"
            predictions.append(answer(trial, data.name, query) if is_set else _recalled(trial, data.name, query))
        scores = data.score(predictions)
        n = len(asked)
        what = f"exact cues: Simple Recall Score, by /{way}"
        trial.figure("events", data.name, what, scores["simple_recall_score"], n, ceiling=1.0)
        if way == "recall":
            reached = scores["chronological_awareness"]
            trial.figure("events", data.name, "Chronological Awareness", reached, n, ceiling=1.0)


def _misspelt(trial: Trial, data: Dataset) -> None:
    queries = trial.sample(data.rows("queries_noisy.jsonl"), None, 60)
    scores = []
    for query in queries:
        trial.report("misspelt")
        values = [value for value, _ in _completed(trial, data.name, query, may_be_misspelt=True)["answers"]]
        scores.append(_f1(values, query["expected"]))
    trial.figure("events_noisy", data.name, "misspelt cues: F1", np.mean(scores), len(queries), ceiling=1.0)


def _fragments(trial: Trial, data: Dataset) -> None:
    queries = trial.sample(data.rows("queries_textfragment.jsonl"), None, 60)
    hits, values = [], []
    for query in queries:
        trial.report("fragments")
        reply = trial.laboratory.ask(data.name, query["cue"], [query["ask"]])
        hits.append(reply.episode(query["ask"]) in query["expected_episodes"])
        values.append(trial.judge("text fragments", reply, query["ask"], query["expected"]))
    trial.figure(
        "fragments", data.name, "text fragments: right episode first", np.mean(hits), len(hits), baseline=0.903
    )
    trial.figure("fragments", data.name, "text fragments: right value", np.mean(values), len(values))


def _completed(trial: Trial, space: str, query: Json, *, may_be_misspelt: bool = False) -> Json:
    """Every value of an event that fits the cue; none when the cue is no memory, or contradicts it though well spelt.

    An event's own id is no field of it; here it is its chapter's number.
    """
    target = "chapter" if query["ask"] == "*" else query["ask"]
    reply = trial.laboratory.ask(space, query["cue"], [target], hypotheses=MOST, pattern_weight=TOLD_STORED)
    if len(query["expected"]) == 1 and target != "chapter":
        trial.judge("events", reply, target, query["expected"])
    found = _fitting(reply, target, may_be_misspelt=may_be_misspelt)
    if target == "chapter":
        found = [(f"ch{value}", p) for value, p in found]
    return {"id": query["id"], "answers": found}


def _fitting(reply: Reply, target: str, *, may_be_misspelt: bool) -> list[tuple[Any, float]]:
    assert reply.completion is not None
    assert reply.completion.stats is not None
    suspects = reply.completion.stats.suspect_fields
    if reply.match < NO_MEMORY or (not may_be_misspelt and sum(suspects.values()) > 0.5):
        return []
    ranked = reply.ranked(target)
    fitting = [(value, p) for value, p in ranked if p >= SHARE_OF_WINNER * ranked[0][1]]
    return [(v, p) for value, p in fitting for v in (value if isinstance(value, list) else [value])]


def _recalled(trial: Trial, space: str, query: Json) -> Json:
    """Plain retrieval of the events that have every value of the cue, in order of time."""
    events = [orjson.loads(i.episode.document) for i in trial.laboratory.recall(space, query["cue"], exactly=True)]
    events.sort(key=lambda event: event["fields"]["when"])
    if query["get"] == "latest":
        events = events[-1:]
    found = [event["id"] if query["ask"] == "*" else event["fields"][query["ask"]] for event in events]
    values = [v for value in found for v in (value if isinstance(value, list) else [value])]
    return {"id": query["id"], "answers": [(value, 1.0) for value in values], "order": values}


def _perfect(query: Json) -> Json:
    """What is not in the sample counts as neither won nor lost: it is given its own expectation."""
    return {"id": query["id"], "answers": [(v, 1.0) for v in query["expected"]], "order": query["expected"]}


def _f1(found: list[Any], expected: list[Any]) -> float:
    got, truth = set(map(str, found)), set(map(str, expected))
    if not got and not truth:
        return 1.0
    shared = len(got & truth)
    return 2.0 * shared / (len(got) + len(truth)) if shared else 0.0
