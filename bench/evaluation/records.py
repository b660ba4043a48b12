"""Two large tables of records: stored events, damaged cues, recombined cues, and new events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets import Dataset
from bench.evaluation.measures import auroc, bins, ece, ece_floor, risk_coverage
from bench.evaluation.trial import SEED, Trial

Json = dict[str, Any]
SETS = ("football", "bird_strikes")
KNN_NOISY = {"football": 0.990, "bird_strikes": 0.969}
KNN_AUROC = {"football": 0.961, "bird_strikes": 0.876}
HIDDEN = {"football": dict.fromkeys(("home_team", "away_team", "home_score", "away_score"), ("shootout_winner",))}
FURTHER_PER_TARGET = 600
FAST_STORED = 1500
BASELINES = Path(__file__).parent / "baselines.json"
BOOSTED = "LightGBM"
TOLD_STORED = 0.0  # `pattern_weight` of those who know that the cue means a stored event


def stored_cues(trial: Trial) -> None:
    """Recall against the known ceiling and ideal confidence; damaged cues; cues of no stored event."""
    for name in SETS:
        data = trial.data(name)
        trial.laboratory.store(name, data.episodes("split"))
        if not trial.is_fast:
            trial.laboratory.consolidate(name)
        by_regime = {
            regime: [q for q in data.rows("queries.jsonl") if q["regime"] == regime]
            for regime in ("recall", "noisy", "absent")
        }
        _recall(trial, data, trial.sample(by_regime["recall"], None, 120))
        _noisy_and_absent(
            trial, data, trial.sample(by_regime["noisy"], None, 100), trial.sample(by_regime["absent"], None, 100)
        )


def _recall(trial: Trial, data: Dataset, queries: list[Json]) -> None:
    shares, ceilings, confidence, truth_of_confidence = [], [], [], []
    for query in queries:
        trial.report(data.name)
        reply = trial.laboratory.ask(data.name, query["cue"], [query["ask"]], pattern_weight=TOLD_STORED)
        trial.judge(f"{data.name} recall", reply, query["ask"], query["expected"])
        value, p = reply.ranked(query["ask"])[0]
        support = {repr(v): count for v, count in query["support"]}
        total = sum(support.values())
        shares.append(support.get(repr(value), 0) / total)
        ceilings.append(max(support.values()) / total)
        confidence.append(p)
        truth_of_confidence.append(shares[-1])
    p, ideal, n = np.array(confidence), np.array(ceilings), len(queries)
    right = np.array([o[4] for o in trial.outcomes[-n:]], dtype=float)
    trial.figure("stored", data.name, "top-1, share of the ceiling", np.sum(shares) / np.sum(ceilings), n, ceiling=1.0)
    trial.figure("ideal", data.name, "ECE on the sampled truth", ece(p, right), n, ceiling=ece_floor(ideal, SEED))
    trial.figure(
        "ideal_gap",
        data.name,
        "mean |confidence - exact share|",
        float(np.abs(p - np.array(truth_of_confidence)).mean()),
        n,
        ceiling=0.0,
    )
    trial.raw[f"ideal {data.name}"] = bins(p, np.array(truth_of_confidence))


def _noisy_and_absent(trial: Trial, data: Dataset, noisy: list[Json], absent: list[Json]) -> None:
    right, present, missing = [], [], []
    for query in noisy:
        trial.report(data.name)
        reply = trial.laboratory.ask(data.name, query["cue"], [query["ask"]], pattern_weight=TOLD_STORED)
        right.append(trial.judge(f"{data.name} noisy", reply, query["ask"], query["expected"]))
        present.append(reply.match)
    for query in absent:
        trial.report(data.name)
        missing.append(trial.laboratory.ask(data.name, query["cue"], [query["ask"]]).match)
    trial.figure("noisy", data.name, "right value", np.mean(right), len(noisy), baseline=KNN_NOISY[data.name])
    trial.figure(
        "absent", data.name, "AUROC of the match", auroc(present, missing), len(absent), baseline=KNN_AUROC[data.name]
    )


def new_events(trial: Trial) -> None:
    """Events after the stored ones, every other field given."""
    for name in SETS:
        data = trial.data(name)
        episodes = data.rows("episodes.jsonl")
        train = [{k: v for k, v in e.items() if k != "split"} for e in episodes if e["split"] == "train"]
        space = f"{name}_train"
        if trial.is_fast:
            train, space = train[-FAST_STORED:], f"{name}_last"
        trial.laboratory.store(space, train)
        trial.laboratory.consolidate(space)
        queries = official(data)
        further = [] if trial.is_fast else more(name, episodes, list(dict.fromkeys(q["ask"] for q in queries)))
        asked = _per_target(queries, 8) if trial.is_fast else queries
        _new(trial, name, space, asked, "of the data set")
        if further:
            _new(trial, name, space, further, "further")


def _new(trial: Trial, name: str, space: str, queries: list[Json], which: str) -> None:
    types = json.loads((trial.folder / name / "schema.json").read_text(encoding="utf-8"))
    is_numeric = {target: types[target] == "numeric" for target in types}
    hits, confidence, errors = [], [], {}
    for query in queries:
        trial.report(f"{name} new")
        reply = trial.laboratory.ask(space, query["cue"], [query["ask"]])
        ok = trial.judge(f"{name} generalise", reply, query["ask"], query["expected"])
        value, p = reply.ranked(query["ask"])[0]
        if is_numeric[query["ask"]]:
            errors.setdefault(query["ask"], []).append(abs(float(value) - query["expected"]))
        else:
            hits.append(ok)
            confidence.append(p)
    p, right, n = np.array(confidence), np.array(hits, dtype=float), len(hits)
    beside = _baselines(name, which)
    label = f"queries {which}"
    what, boosted = f"accuracy, categorical, {label}", {k: v for k, v in beside.items() if k == BOOSTED}
    others = {k: v for k, v in beside.items() if k != BOOSTED}
    trial.figure("new", name, f"{what}; the other four", right.mean(), n, baseline=_best(others, "accuracy"))
    trial.figure("new_boosted", name, f"{what}; LightGBM", right.mean(), n, baseline=_best(boosted, "accuracy"))
    trial.figure("new_ece", name, f"ECE, {label}", ece(p, right), n, baseline=_least(beside, "ece"))
    trial.figure("new_brier", name, f"Brier, {label}", ((p - right) ** 2).mean(), n, baseline=_least(beside, "brier"))
    for target, found in errors.items():
        baseline = _least({k: v["mae"].get(target, {}) for k, v in beside.items() if target in v["mae"]}, "mae")
        trial.figure(
            "new_number", name, f"{target}: mean absolute error, {label}", np.mean(found), len(found), baseline=baseline
        )
    trial.raw[f"new {name} {which}"] = {
        "ours": {
            "accuracy": right.mean(),
            "ece": ece(p, right),
            "brier": ((p - right) ** 2).mean(),
            "mae": {target: {"mae": float(np.mean(found))} for target, found in errors.items()},
            "risk": _thin(*risk_coverage(p, right)),
        },
        "baselines": beside,
    }


def official(data: Dataset) -> list[Json]:
    """The data set's own queries about new events."""
    return [q for q in data.rows("queries.jsonl") if q["regime"] == "generalise"]


def more(name: str, episodes: list[Json], targets: list[str]) -> list[Json]:
    """Further queries of the same kind: FURTHER_PER_TARGET new events for every target, seeded."""
    rng, found = np.random.default_rng(0), []
    new = [e for e in episodes if e["split"] == "test"]
    for target in targets:
        able = [e for e in new if target in e]
        left_out = {"id", "split", target, *HIDDEN.get(name, {}).get(target, ())}
        for i in rng.choice(len(able), min(FURTHER_PER_TARGET, len(able)), replace=False):
            cue = {k: v for k, v in able[i].items() if k not in left_out}
            found.append({"cue": cue, "ask": target, "expected": able[i][target]})
    return found


def _per_target(queries: list[Json], count: int) -> list[Json]:
    taken: dict[str, int] = {}
    chosen = []
    for query in queries:
        taken[query["ask"]] = taken.get(query["ask"], 0) + 1
        if taken[query["ask"]] <= count:
            chosen.append(query)
    return chosen


def _baselines(name: str, which: str) -> Json:
    """The stored figures of the baselines on these queries (`python -m bench.evaluation.baselines`)."""
    if not BASELINES.exists():
        return {}
    found: Json = json.loads(BASELINES.read_text(encoding="utf-8"))
    return {k: v[which] for k, v in found.get(name, {}).items()}


def _best(beside: Json, measure: str) -> float | None:
    return max((float(v[measure]) for v in beside.values()), default=None)


def _least(beside: Json, measure: str) -> float | None:
    return min((float(v[measure]) for v in beside.values() if measure in v), default=None)


def _thin(coverage: Any, risk: Any, points: int = 100) -> list[list[float]]:
    keep = np.unique(np.linspace(0, len(coverage) - 1, points).astype(int))
    return [[float(coverage[i]), float(risk[i])] for i in keep]
