"""What each part is worth: the same questions with one part switched off through a seam that is there anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

import engine
from bench.evaluation.laboratory import Laboratory, Reply
from bench.evaluation.measures import auroc, ece
from bench.evaluation.removal import Oracle
from bench.evaluation.trial import SEED, Trial
from engine import attractor, completion, evidence
from engine.evidence import Gate
from recollect.memory import SpaceMemory

Json = dict[str, Any]
NEWEST = 12_000


def ablations(trial: Trial) -> None:
    """Per set and variant: right values for stored (damaged) and new cues, log-loss, ECE, the match."""
    for name in ("football", "bird_strikes"):
        world = _World(trial, name)
        for variant, (seam, weight) in VARIANTS.items():
            with seam():
                trial.raw[f"{name}: {variant}"] = world.measure(trial, variant, weight)


class _World:
    """One set's training part, consolidated, with cues of stored, damaged and new events."""

    def __init__(self, trial: Trial, name: str) -> None:
        episodes = trial.data(name).rows("episodes.jsonl")
        records = [{k: v for k, v in e.items() if k != "split"} for e in episodes if e["split"] == "train"]
        records = records[-(3000 if trial.is_fast else NEWEST) :]
        self.space = f"{name}_newest"
        trial.laboratory.store(self.space, records)
        trial.laboratory.consolidate(self.space)
        rng = np.random.default_rng(SEED)
        oracle = Oracle(records)
        self.stored = [_split(r, rng, oracle, 0.1) for r in trial.sample(records, 120, 15)]
        test = [{k: v for k, v in e.items() if k not in ("split", "id")} for e in episodes if e["split"] == "test"]
        self.new = [_split({"id": "", **r}, rng, None, 0.0) for r in trial.sample(test, 120, 15)]

    def measure(self, trial: Trial, variant: str, weight: float | None) -> Json:
        """The figures of one variant."""
        found: Json = {}
        matches: dict[str, list[float]] = {}
        for kind, cues in (("stored", self.stored), ("new", self.new)):
            right, loss, sure, whole = [], [], [], []
            for cue, hidden in cues:
                trial.report(f"ablation {variant}")
                reply = _ask(trial.laboratory, self.space, cue, tuple(hidden), weight)
                hits = [reply.ranked(t)[0][0] == truth for t, truth in hidden.items()]
                right += hits
                sure += [reply.ranked(t)[0][1] for t in hidden]
                loss += [_loss(reply, t, truth) for t, truth in hidden.items()]
                whole.append(all(hits))
                matches.setdefault(kind, []).append(reply.match)
            found[kind] = {
                "right": float(np.mean(right)),
                "loss": float(np.mean(loss)),
                "ece": ece(np.array(sure), np.array(right, dtype=float)),
                "whole": float(np.mean(whole)),
                "n": len(right),
            }
        found["match"] = auroc(matches["stored"], matches["new"])
        return found


def _ask(laboratory: Laboratory, space: str, cue: Json, targets: tuple[str, ...], weight: float | None) -> Reply:
    return laboratory.ask(space, cue, targets, pattern_weight=weight)


def _loss(reply: Reply, target: str, truth: Any) -> float:
    """-log P(truth) in nats, floored."""
    assert reply.answer is not None
    posterior = reply.answer.posterior
    code = posterior.traces.columns[target].find(truth)
    p = float(posterior.probabilities(target)[code]) if code >= 0 else 0.0
    return -float(np.log(max(p, 1e-6)))


def _split(record: Json, rng: np.random.Generator, oracle: Oracle | None, wrong: float) -> tuple[Json, Json]:
    """(cue of about half of the fields, some wrong; the rest)."""
    fields = {k: v for k, v in record.items() if k != "id"}
    names = rng.permutation(sorted(fields)).tolist()
    kept = names[: max(1, len(names) // 2)]
    cue = {k: fields[k] for k in kept}
    if oracle is not None:
        cue = {k: oracle.another(k, v, rng) if rng.random() < wrong else v for k, v in cue.items()}
    return cue, {k: fields[k] for k in names[len(kept) :]}


@contextmanager
def _whole() -> Iterator[None]:
    yield


def _schema(change: Callable[[engine.Schema], engine.Schema]) -> Callable[[], Any]:
    """The space's schema seen through `change`."""
    original = SpaceMemory.schema
    return lambda: mock.patch.object(SpaceMemory, "schema", lambda memory: change(original(memory)))


def _without_bias(schema: engine.Schema) -> engine.Schema:
    return replace(schema, heads={}, weights=replace(schema.weights, v={}, default_v=0.0))


def _equal_weights(schema: engine.Schema) -> engine.Schema:
    return replace(schema, heads={}, weights=replace(schema.weights, w={}, default_w=1.0))


@contextmanager
def _one_level(level: int) -> Iterator[None]:
    """Every reading of the cue at the same noise."""
    same = tuple(replace(evidence.NOISE_LEVELS[level], prior=x.prior) for x in evidence.NOISE_LEVELS)
    with mock.patch.object(evidence, "NOISE_LEVELS", same):
        yield


VARIANTS: dict[str, tuple[Callable[[], Any], float | None]] = {
    "whole": (_whole, None),
    "recollection only": (_whole, 0.0),
    "generalisation only": (_whole, 1.0),
    "even mix, no gate": (_whole, 0.5),
    "shipped gate, not refitted": (_schema(lambda s: replace(s, gate=Gate())), None),
    "closed form, no learned heads": (_schema(lambda s: replace(s, heads={})), None),
    "closed form without schema bias": (_schema(_without_bias), None),
    "closed form with equal weights": (_schema(_equal_weights), None),
    "clean reading of the cue only": (lambda: _one_level(0), None),
    "damaged reading of the cue only": (lambda: _one_level(1), None),
    "no coupling in the attractor": (lambda: mock.patch.object(attractor, "COUPLING", 0.0), None),
    "no pruning of light episodes": (lambda: mock.patch.object(completion, "SUMMED_EXACTLY", 10**9), None),
}
