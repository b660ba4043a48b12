"""Images as vectors: the stored one behind a half, a tenth, or a noisy copy of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation.trial import Trial

LEVELS = 16.0


def partial_vectors(trial: Trial) -> None:
    """Each way of damage; beside noise, what the exact likelihood of that noise finds."""
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
    for query in queries + zeroed:
        trial.report("digits")
        reply = trial.laboratory.ask("digits_assoc", {}, ["label"], vector=query["vector"])
        key = (query["regime"], query["param"])
        right.setdefault(key, []).append(reply.episode("label") == query["expected"])
        if query["regime"] != "half_zeroed":
            trial.judge("vectors", reply, "label", query["label"])
        if query["regime"] == "noise":
            ceiling.setdefault(key, []).append(ids[likeliest(images, query)] == query["expected"])
    for (regime, param), hits in sorted(right.items()):
        known = ceiling.get((regime, param))
        trial.figure(
            f"vector_{regime}_{param:g}",
            "digits_assoc",
            f"{regime.replace('_', ' ')} {param:g}: right image",
            np.mean(hits),
            len(hits),
            ceiling=float(np.mean(known)) if known else None,
        )


def likeliest(images: npt.NDArray[np.float64], query: dict[str, Any]) -> int:
    """The stored image of greatest likelihood: Gaussian noise, folded at 0, clipped at 16, as the cues were made."""
    seen = np.array(query["vector"], dtype=float)
    spread = query["param"] * LEVELS
    density = np.exp(-0.5 * ((seen - images) / spread) ** 2) + np.exp(-0.5 * ((-seen - images) / spread) ** 2)
    clipped = seen >= LEVELS - 1e-9
    log = np.log(np.maximum(density, 1e-300))
    if clipped.any():
        from scipy.stats import norm

        beyond = norm.sf((LEVELS - images) / spread) + norm.cdf((-LEVELS - images) / spread)
        log[:, clipped] = np.log(np.maximum(beyond[:, clipped], 1e-300)) + np.log(spread * np.sqrt(2 * np.pi))
    return int(log.sum(axis=1).argmax())
