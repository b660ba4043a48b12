"""False memory (Deese, Roediger & McDermott): words that were never on the list but go with all that were."""

from __future__ import annotations

import numpy as np

from bench.evaluation.measures import spearman
from bench.evaluation.trial import Trial

SURE = 0.7


def lures(trial: Trial) -> None:
    """Was this word on that list?

    Asserted: the service is sure that the cue is a memory; for critical lures also when it is sure of
    the word's position (a word of another list has one there, which is no false memory).
    """
    data = trial.data("drm")
    trial.laboratory.store("drm", data.episodes())
    trial.laboratory.consolidate("drm")
    asserted: dict[str, list[bool]] = {}
    recalled: dict[str, list[bool]] = {}
    strength, masses = [], []
    for query in data.rows("queries.jsonl"):
        trial.report("drm")
        cue = {"list": query["list"], "word": query["probe"]}
        reply = trial.laboratory.ask("drm", cue, ["position"])
        assert reply.completion is not None
        attribution = reply.completion.attribution["position"]
        is_lure = query["kind"] == "critical_lure"
        is_sure = reply.match > SURE or (is_lure and attribution.confidence > SURE)
        asserted.setdefault(query["kind"], []).append(is_sure)
        recalled.setdefault(query["kind"], []).append(attribution.source == "recalled")
        if query["kind"] == "critical_lure" and query.get("mean_bas") is not None:
            strength.append(query["mean_bas"])
            masses.append(reply.match)
        if query["studied"]:
            trial.judge("lists", reply, "position", query["position"])
    n = len(asserted["critical_lure"])
    trial.figure("lure", "drm", "critical lures asserted", np.mean(asserted["critical_lure"]), n, baseline=0.40)
    trial.figure("lure_recalled", "drm", "critical lures labelled recalled", np.mean(recalled["critical_lure"]), n)
    for kind in ("other_list_lure", "unrelated"):
        if kind in asserted:
            trial.figure(
                "lure_other", "drm", f"{kind.replace('_', ' ')} asserted", np.mean(asserted[kind]), len(asserted[kind])
            )
    trial.figure("lure_hits", "drm", "studied words asserted", np.mean(asserted["studied"]), len(asserted["studied"]))
    trial.figure(
        "lure_norms",
        "drm",
        "rank correlation of lure match with published association",
        spearman(np.array(strength), np.array(masses)),
        len(masses),
    )
