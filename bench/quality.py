"""Quality on real data through the running service: what is asked, how it is read, how it is scored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.datasets import Dataset
from bench.service import Service

Json = dict[str, Any]
STORED_REGIMES = ("recall", "noisy", "absent")
HYPOTHESES = 10
ALL_HYPOTHESES = 50
# One of several matching values carries at least this share of the likeliest one's probability;
# what merely resembles the cue carries a thousandth.
SHARE_OF_WINNER = 0.02


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside what it must reach; `ceiling` and `baseline` where they are known."""

    data: str
    what: str
    reached: float
    must: float | None = None
    baseline: float | None = None
    ceiling: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it reaches what it must."""
        return self.must is None or self.reached >= self.must


def ask(cue: Json, target: str, *, hypotheses: int = HYPOTHESES, vector: Sequence[float | None] | None = None) -> Json:
    """A request for one field that is always answered."""
    partial: Json = {"known_fields": cue}
    if vector is not None:
        partial["partial_embedding"] = vector
    return {
        "partial_episode": partial,
        "targets": [target],
        "config": {"ca1_threshold": 0, "num_hypotheses": hypotheses},
    }


def answers(item: Json, target: str) -> list[tuple[Any, float]]:
    """The values an item gives for the target with their confidences, best first."""
    result = item["result"]
    best = (result["completed_episode"]["fields"][target], result["completion_confidence"])
    others = [(h["episode"]["fields"][target], h["confidence"]) for h in result["alternative_hypotheses"]]
    return [best, *others]


def stored_and_absent(service: Service, data: Dataset) -> list[Figure]:
    """The regimes over stored episodes: recall against the known ceiling, noisy cues, absent events."""
    queries = [query for query in data.rows("queries.jsonl") if query["regime"] in STORED_REGIMES]
    predictions, shares, ceilings = [], 0.0, 0.0
    requests = [ask(query["cue"], query["ask"]) for query in queries]
    for query, item in zip(queries, service.complete_all(data.name, requests), strict=True):
        found = answers(item, query["ask"])
        match = item["result"]["reconstruction_stats"]["match_confidence"]
        predictions.append({"id": query["id"], "answers": found, "match": match})
        if query["regime"] == "recall":
            support = {repr(value): count for value, count in query["support"]}
            shares += support.get(repr(found[0][0]), 0) / sum(support.values())
            ceilings += max(support.values()) / sum(support.values())
    scores = data.score(_with_the_rest(predictions, data))
    noisy_must, baseline = (0.97, 0.990) if data.name == "football" else (0.94, 0.969)
    n = sum(query["regime"] == "recall" for query in queries)
    return [
        Figure(data.name, "recall: expected top-1, share of the ceiling", shares / ceilings, 0.99, None, 1.0),
        Figure(data.name, "recall: top-1 on the sampled truth", scores["recall_acc"], None, None, ceilings / n),
        Figure(data.name, "recall: ECE of the confidence", scores["recall_ECE"]),
        Figure(data.name, "noisy: right value", scores["noisy_acc"], noisy_must, baseline),
        Figure(data.name, "absent against noisy: AUROC of the match", scores["present_vs_absent_AUROC"]),
    ]


def matching_events(service: Service, data: Dataset) -> list[Figure]:
    """Which events match an exact cue, and none where there is none; the latest; their order."""
    queries = data.rows("queries.jsonl")
    whole = [query for query in queries if query["get"] == "all" and query["ask"] != "*"]
    requests = [ask(query["cue"], query["ask"], hypotheses=ALL_HYPOTHESES) for query in whole]
    predictions = []
    for query, item in zip(whole, service.complete_all(data.name, requests), strict=True):
        predictions.append({"id": query["id"], "answers": _matching(item, query)})
    predictions += [_recalled(service, data, query) for query in queries if query not in whole]
    scores = data.score(predictions)
    return [
        Figure(data.name, "exact cues: Simple Recall Score", scores["simple_recall_score"], 1.0, None, 1.0),
        Figure(data.name, "exact cues, no such event: refused", scores["F1_by_bin"]["0"], 1.0, None, 1.0),
        Figure(data.name, "exact cues: Chronological Awareness", scores["chronological_awareness"], 1.0, None, 1.0),
    ]


def partial_vectors(service: Service, data: Dataset) -> list[Figure]:
    """The stored episode behind a vector of which half, or another part, is unknown."""
    queries = data.rows("queries.jsonl")
    requests = [ask({}, "label", vector=query["vector"]) for query in queries]
    right: dict[tuple[str, float], list[bool]] = {}
    for query, item in zip(queries, service.complete_all(data.name, requests), strict=True):
        evidence = item["result"]["source_attribution"]["label"]["evidence"]
        found = evidence[0]["episode_id"] if evidence else None
        right.setdefault((query["regime"], query["param"]), []).append(found == query["expected"])
    return [
        Figure(
            data.name,
            f"{regime} {param}: right episode",
            sum(hits) / len(hits),
            0.97 if (regime, param) == ("half_mask", 0.5) else None,
        )
        for (regime, param), hits in sorted(right.items())
    ]


def load(service: Service, data: Dataset) -> float:
    """Store the data set in a space of its own name; the seconds it took."""
    records = data.episodes("split")
    if data.name == "digits_assoc":
        records = [{"id": r["id"], "fields": {"label": r["label"]}, "embedding": r["vector"]} for r in records]
        service.create_space(data.name, embedding_dimensions=64)
    else:
        service.create_space(data.name)
    started = time.perf_counter()
    service.import_records(data.name, records)
    return time.perf_counter() - started


def _matching(item: Json, query: Json) -> list[tuple[Any, float]]:
    """Every value of an event that fits the whole cue; none when the cue is no memory or contradicts it."""
    stats = item["result"]["reconstruction_stats"]
    if stats["match_confidence"] < 0.5 or sum(stats["suspect_fields"].values()) > 0.5:
        return []
    found = answers(item, query["ask"])
    fitting = [(value, p) for value, p in found if p >= SHARE_OF_WINNER * found[0][1]]
    return [(v, p) for value, p in fitting for v in (value if isinstance(value, list) else [value])]


def _recalled(service: Service, data: Dataset, query: Json) -> Json:
    """Whole events, the latest of them, or all in order of time: plain retrieval of what matches the cue."""
    body = {"partial_episode": {"known_fields": query["cue"]}, "limit": 200}
    items = service.post(data.name, "/recall", body).raise_for_status().json()["items"]
    events = [i["episode"] for i in items if set(query["cue"]) <= set(i["matched_fields"])]
    events.sort(key=lambda event: event["fields"]["when"])
    values = [event["id"] if query["ask"] == "*" else event["fields"][query["ask"]] for event in events]
    if query["get"] == "latest":
        values = values[-1:]
    return {"id": query["id"], "answers": [(value, 1.0) for value in values], "order": values}


def _with_the_rest(predictions: list[Json], data: Dataset) -> Iterator[Json]:
    """The predictions, and an abstention for every query of a regime that was not asked."""
    yield from predictions
    answered = {prediction["id"] for prediction in predictions}
    for query in data.rows("queries.jsonl"):
        if query["id"] not in answered:
            yield {"id": query["id"], "answers": []}
