"""What each part is worth: the same questions with one part switched off through a seam that is there anyway.

`PARTS` lists what is switched off and what is done instead. A part's worth is the paired difference of
the same answers with and without it, and its standard error over the cues.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from time import process_time
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

import engine
from bench.evaluation.capacity import synthetic
from bench.evaluation.laboratory import Reply
from bench.evaluation.measures import auroc, ece
from bench.evaluation.removal import Oracle
from bench.evaluation.trial import SEED, Trial
from engine.answer import posterior
from engine.answer.posterior import Posterior
from engine.generalisation.attention.equality import EqualityBias
from engine.generalisation.distribution import Generalisation
from engine.recollection import evidence
from recollect.memory import SpaceMemory

Json = dict[str, Any]
Column = npt.NDArray[np.float64]
Seam = Callable[[], AbstractContextManager[Any]]
SETS = ("football", "bird_strikes")
NEWEST, CUES = 6_000, 100
FAST_NEWEST, FAST_CUES = 2_000, 15
LARGE, FAST_LARGE = 50_000, 5_000
SURE, LEAST_P = 1e-4, 1e-6
WHOLE, CLOSED = "nothing", "learned weights"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the engine, told by what is `instead` of it, and how to do without it.

    `weight` is a `pattern_weight` to ask with.
    `against` is the variant that has the part and is otherwise the same.
    """

    instead: str
    seam: Seam = nullcontext
    weight: float | None = None
    against: str = WHOLE


def ablations(trial: Trial) -> None:
    """Per set and part: right values for stored (damaged) and new cues, log-loss, ECE, the match, the time."""
    changes: dict[str, list[dict[str, Column]]] = {}
    for name in SETS:
        world, cases = _World(trial, name), {}
        for part, how in PARTS.items():
            with how.seam():
                summary, cases[part] = world.measure(trial, part, how)
            trial.raw[f"{name}: {part}"] = {**summary, "instead": how.instead, "against": how.against}
            change = {key: values - cases[how.against][key] for key, values in cases[part].items()}
            changes.setdefault(part, []).append(change)
        changes.setdefault("attractor", []).append(_settled(cases[WHOLE]))
    trial.raw["worth"] = {part: _pooled(found) for part, found in changes.items() if part != WHOLE}
    trial.raw["speed"] = _speed(trial)


class _World:
    """One set's training part, consolidated, with cues of stored, damaged and new events."""

    def __init__(self, trial: Trial, name: str) -> None:
        episodes = trial.data(name).rows("episodes.jsonl")
        records = [{k: v for k, v in e.items() if k != "split"} for e in episodes if e["split"] == "train"]
        records = records[-(FAST_NEWEST if trial.is_fast else NEWEST) :]
        self.space = f"{name}_newest"
        trial.laboratory.store(self.space, records)
        trial.laboratory.consolidate(self.space)
        test = [
            {"id": e["id"], **{k: v for k, v in e.items() if k != "split"}} for e in episodes if e["split"] == "test"
        ]
        self.asked = self._cues(trial, records, test, 0)

    def _cues(
        self, trial: Trial, records: list[Json], test: list[Json], salt: int
    ) -> dict[str, list[tuple[Json, Json]]]:
        rng, oracle = np.random.default_rng(SEED + salt), Oracle(records)
        stored = [_split(r, rng, oracle, 0.1) for r in trial.sample(records, CUES, FAST_CUES, salt=salt)]
        clean = [_split(r, rng, None, 0.0, 0.3) for r in trial.sample(records, CUES, FAST_CUES, salt=salt + 10)]
        new = [_split(r, rng, None, 0.0) for r in trial.sample(test, CUES, FAST_CUES, salt=salt)]
        return {"stored": stored, "clean": clean, "new": new}

    def measure(self, trial: Trial, part: str, how: Part) -> tuple[Json, dict[str, Column]]:
        """(the figures of one variant, its losses per cue)."""
        cases: dict[str, list[float]] = {}
        found: Json = {}
        matches: dict[str, list[float]] = {}
        for kind, cues in self.asked.items():
            right: list[bool] = []
            sure: list[float] = []
            for cue, hidden in cues:
                trial.report(f"ablation {part}")
                reply = trial.laboratory.ask(self.space, cue, tuple(hidden), pattern_weight=how.weight)
                hits = [reply.ranked(t)[0][0] == truth for t, truth in hidden.items()]
                right += hits
                sure += [reply.ranked(t)[0][1] for t in hidden]
                matches.setdefault(kind, []).append(reply.match)
                _note(cases, kind, reply, hidden, hits)
            found[kind] = {"ece": ece(np.array(sure), np.array(right, dtype=float)), "n": len(right)}
        found["match"] = auroc(matches["stored"], matches["new"])
        per_cue = {key: np.array(values) for key, values in cases.items()}
        found["means"] = {key: float(values.mean()) for key, values in per_cue.items()}
        return found, per_cue


def _note(cases: dict[str, list[float]], kind: str, reply: Reply, hidden: Json, hits: Sequence[bool]) -> None:
    """One cue's measures."""
    match = min(max(reply.match, SURE), 1.0 - SURE)
    before, after = joint_hits(reply, hidden)
    measures = {
        f"{kind} right": float(np.mean(hits)),
        f"{kind} loss": float(np.mean([_loss(reply, t, truth) for t, truth in hidden.items()])),
        f"{kind} brier": float(
            np.mean([(reply.ranked(t)[0][1] - hit) ** 2 for t, hit in zip(hidden, hits, strict=True)])
        ),
        f"{kind} whole": float(all(hits)),
        f"{kind} record": float(before),
        f"{kind} settled": float(after),
        f"{kind} match loss": -float(np.log(match if kind != "new" else 1.0 - match)),
    }
    for key, value in measures.items():
        cases.setdefault(key, []).append(value)


def joint_hits(reply: Reply, hidden: Json) -> tuple[bool, bool]:
    """Whether the likeliest whole event is the true one before the attractor has settled, and after."""
    assert reply.answer is not None
    answer, posterior = reply.answer, reply.answer.posterior
    columns, names = posterior.traces.columns, [name for name in hidden if name in posterior.traces.columns]
    if len(names) < len(hidden):
        return False, False
    truth = [columns[name].find(hidden[name]) for name in names]
    own = np.array([answer.fields[name].code for name in names])
    codes = np.stack([columns[name].codes[posterior.rows] for name in names], axis=1)
    events, which = np.unique(np.where(codes >= 0, codes, own), axis=0, return_inverse=True)
    before, after = (
        events[np.bincount(which.ravel(), weights).argmax()].tolist() == truth
        for weights in (posterior.row_weights, answer.final.weights)
    )
    return before, after


def _settled(cases: dict[str, Column]) -> dict[str, Column]:
    """Against the likeliest whole event before the attractor: field by field, and after it."""
    whole, record, settled = (
        np.concatenate([cases[f"{kind} {key}"] for kind in ("stored", "clean")])
        for key in ("whole", "record", "settled")
    )
    return {"whole": whole - record, "settled": settled - record}


def _pooled(found: Sequence[dict[str, Column]]) -> Json:
    """Per measure, (mean over the cues of all sets of what leaving the part out changes, its standard error)."""
    pooled = {key: np.concatenate([cases[key] for cases in found]) for key in found[0]}
    return {key: [float(d.mean()), float(d.std() / np.sqrt(len(d)))] for key, d in pooled.items()}


def _speed(trial: Trial) -> dict[str, list[float]]:
    """Per part that is there for speed, CPU milliseconds of a completion with and without it, in a large space."""
    records = synthetic(FAST_LARGE if trial.is_fast else LARGE)
    trial.laboratory.store("large", records)
    rng, cues = np.random.default_rng(SEED), []
    for record in trial.sample(records, CUES, FAST_CUES):
        cue, hidden = _split(record, rng, None, 0.0)
        cues.append((cue, tuple(hidden)))
    found: dict[str, list[float]] = {}
    for part in FOR_SPEED:
        for seam in (nullcontext, PARTS[part].seam):
            with seam():
                trial.laboratory.ask("large", *cues[0])
                started = process_time()
                for cue, hidden in cues:
                    trial.laboratory.ask("large", cue, hidden)
                found.setdefault(part, []).append(1e3 * (process_time() - started) / len(cues))
    return found


def _loss(reply: Reply, target: str, truth: Any) -> float:
    """-log P(truth) in nats, floored."""
    assert reply.answer is not None
    posterior = reply.answer.posterior
    if target not in posterior.traces.columns:
        return -float(np.log(LEAST_P))
    code = posterior.traces.columns[target].find(truth)
    p = float(posterior.probabilities(target)[code]) if code >= 0 else 0.0
    return -float(np.log(max(p, LEAST_P)))


def _split(
    record: Json, rng: np.random.Generator, oracle: Oracle | None, wrong: float, share: float = 0.5
) -> tuple[Json, Json]:
    """(cue of about this share of the fields, some wrong; the rest)."""
    fields = {k: v for k, v in record.items() if k != "id" and v is not None}
    names = rng.permutation(sorted(fields)).tolist()
    kept = names[: max(1, int(share * len(names)))]
    cue = {k: fields[k] for k in kept}
    if oracle is not None:
        cue = {k: oracle.another(k, v, rng) if rng.random() < wrong else v for k, v in cue.items()}
    return cue, {k: fields[k] for k in names[len(kept) :]}


def with_schema(change: Callable[[engine.Schema], engine.Schema]) -> Seam:
    """The space's schema seen through `change`."""
    original = SpaceMemory.schema
    return lambda: mock.patch.object(SpaceMemory, "schema", lambda memory: change(original(memory)))


def _generalised(read: Callable[[Generalisation], Generalisation]) -> Seam:
    """Every generalisation, learned or not, seen through `read`."""
    original = Posterior._generalise
    return lambda: mock.patch.object(Posterior, "_generalise", lambda self, target: read(original(self, target)))


def _without_bias(schema: engine.Schema) -> engine.Schema:
    return replace(schema, heads={}, weights=replace(schema.weights, v={}, default_v=0.0))


def _equal_weights(schema: engine.Schema) -> engine.Schema:
    return replace(schema, heads={}, weights=replace(schema.weights, w={}, default_w=1.0))


def _one_level(level: int) -> Seam:
    """Every reading of the cue at the same noise."""

    @contextmanager
    def seam() -> Iterator[None]:
        same = tuple(replace(evidence.NOISE_LEVELS[level], prior=x.prior) for x in evidence.NOISE_LEVELS)
        with mock.patch.object(evidence, "NOISE_LEVELS", same):
            yield

    return seam


PARTS: dict[str, Part] = {
    WHOLE: Part("the whole engine"),
    "generalisation": Part("recollection alone answers", weight=0.0),
    "recollection": Part("generalisation alone answers", weight=1.0),
    "gate": Part("both heads count half, whatever the match", weight=0.5),
    "schema": Part(
        "episodes and base rates alone generalise, weights as learned with it",
        _generalised(lambda g: replace(g, posterior=g.kernel(), beta=np.zeros(len(g.m)))),
    ),
    "episodes of generalisation": Part(
        "the schema and base rates alone generalise, weights as learned with them",
        _generalised(lambda g: replace(g, posterior=g.schema(), bracket=g.m)),
    ),
    "role equality": Part(
        "no bias for the value of another field of the cue",
        lambda: mock.patch.object(EqualityBias, "nats", return_value=(-1, 0.0)),
    ),
    CLOSED: Part("weights in closed form", with_schema(lambda s: replace(s, heads={}))),
    "schema of the closed form": Part("weights in closed form, beta = 0", with_schema(_without_bias), against=CLOSED),
    "weights of the closed form": Part("every field weighs 1", with_schema(_equal_weights), against=CLOSED),
    "kernels of new events": Part(
        "every kernel of new events counts alike", with_schema(lambda s: replace(s, kernels={}))
    ),
    "prior": Part("a cue means a stored event nine times of ten", with_schema(lambda s: replace(s, prior_stored=0.9))),
    "damaged readings": Part("the cue is read as clean", _one_level(0)),
    "clean reading": Part("the cue is read as badly damaged", _one_level(2)),
    "pruning": Part(
        "every episode is summed one by one", lambda: mock.patch.object(posterior, "SUMMED_EXACTLY", 10**9)
    ),
    "kinds of match": Part("every episode is scored by itself", lambda: mock.patch.object(evidence, "MAX_KINDS", 0)),
}
FOR_SPEED = ("pruning", "kinds of match")
