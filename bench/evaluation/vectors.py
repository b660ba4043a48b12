"""Images as vectors: the stored one behind a half, a tenth, or a noisy copy of it."""

from __future__ import annotations

import numpy as np

from bench.evaluation.retrieval import HIGHEST, INVERSE_TEMPERATURES, as_array, exact, hopfield, manhattan
from bench.evaluation.trial import Trial


def partial_vectors(trial: Trial) -> None:
    """Each way of damage; beside it the better of Manhattan and dense modern Hopfield retrieval (at its best
    temperature), which know what is hidden, and for noise what its exact likelihood finds."""
    data = trial.data("digits_assoc")
    stored = data.rows("episodes.jsonl")
    records = [{"id": r["id"], "fields": {"label": r["label"]}, "embedding": r["vector"]} for r in stored]
    trial.laboratory.store("digits_assoc", records, dimensions=64)
    if not trial.is_fast:
        trial.laboratory.consolidate("digits_assoc")
    images = np.array([r["vector"] for r in stored], dtype=float)
    ids = [r["id"] for r in stored]
    queries = trial.sample(data.rows("queries.jsonl"), None, 240)
    zeroed = [
        {**q, "regime": "half_zeroed", "vector": [0.0 if x is None else x for x in q["vector"]]}
        for q in queries
        if (q["regime"], q["param"]) == ("half_mask", 0.5)
    ]
    right: dict[tuple[str, float], list[bool]] = {}
    ceiling: dict[tuple[str, float], list[bool]] = {}
    others: dict[tuple[str, float], list[list[bool]]] = {}
    for query in queries + zeroed:
        trial.report("digits")
        reply = trial.laboratory.ask("digits_assoc", {}, ["label"], vector=query["vector"])
        key = (query["regime"], query["param"])
        right.setdefault(key, []).append(reply.episode("label") == query["expected"])
        if query["regime"] != "half_zeroed":
            trial.judge("vectors", reply, "label", query["label"])
        cue = as_array(query["vector"])
        scored = [manhattan(images, cue), *(hopfield(images, cue, beta) for beta in INVERSE_TEMPERATURES)]
        others.setdefault(key, []).append([ids[int(scores.argmax())] == query["expected"] for scores in scored])
        if query["regime"] == "noise":
            likelihood = exact(images, cue, query["param"] * HIGHEST)
            ceiling.setdefault(key, []).append(ids[int(likelihood.argmax())] == query["expected"])
    for (regime, param), hits in sorted(right.items()):
        known = ceiling.get((regime, param))
        trial.figure(
            f"vector_{regime}_{param:g}",
            "digits_assoc",
            f"{regime.replace('_', ' ')} {param:g}: right image",
            np.mean(hits),
            len(hits),
            baseline=float(np.mean(others[regime, param], axis=0).max()),
            ceiling=float(np.mean(known)) if known else None,
        )
