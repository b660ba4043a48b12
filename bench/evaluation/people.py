"""Persons behind noisy records (febrl4): whom a damaged cue means, and whether it means anyone."""

from __future__ import annotations

import numpy as np

from bench.evaluation.measures import auroc
from bench.evaluation.trial import Trial


def persons(trial: Trial) -> None:
    """Whole damaged records, then three fields of which at least one is damaged."""
    data = trial.data("febrl4")
    trial.laboratory.store("febrl4", data.episodes())
    if not trial.is_fast:
        trial.laboratory.consolidate("febrl4")
    whole = trial.sample(data.rows("queries.jsonl"), 1000, 80)
    found = []
    for query in whole:
        trial.report("febrl4 whole")
        best = trial.laboratory.recall("febrl4", query["cue"], 1)
        found.append(bool(best) and best[0].episode.episode_id == query["expected_episode"])
    trial.figure("person_full", "febrl4", "whole cue: right person", np.mean(found), len(found), baseline=1.0)
    right, present, missing = [], [], []
    for query in trial.sample(data.rows("queries_hard.jsonl"), None, 150):
        trial.report("febrl4 hard")
        ask = query.get("ask") or "state"
        reply = trial.laboratory.ask("febrl4", query["cue"], [ask])
        if query.get("expected") is None:
            missing.append(reply.match)
            continue
        present.append(reply.match)
        right.append(reply.episode(ask) == query["expected_episode"])
        trial.judge("persons", reply, ask, query["expected"])
    trial.figure("person", "febrl4", "three fields, damaged: right person", np.mean(right), len(right), baseline=0.979)
    trial.figure(
        "person_absent",
        "febrl4",
        "no such person: AUROC of the match",
        auroc(present, missing),
        len(missing),
        baseline=0.764,
    )
