"""What role inverses are worth: a slice of icews14 learned and asked with and without them.

With them what b did to a is evidence about whom a deals with; without, only what a did is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any
from unittest import mock

import numpy as np

import engine
from bench.evaluation.relations import rank
from bench.evaluation.trial import Trial
from engine.generalisation.relational import features, learner, mixture, rates
from engine.generalisation.relational.features import FEATURES
from engine.generalisation.relational.incidences import Incidences
from engine.generalisation.relational.interaction import InteractionGraph
from engine.generalisation.relational.learner import RelationalLearner
from engine.generalisation.relational.rates import PairRates, PairRatesFit
from engine.memory.arrays import Floats, Ints

Json = dict[str, Any]
NEWEST, QUERIES = 8_000, 1_000
FAST_NEWEST, FAST_QUERIES = 1_500, 30


def role_inverses(trial: Trial) -> None:
    """The reciprocal rank of the truth per variant, each learned by itself, and the paired differences."""
    data = trial.data("icews14")
    episodes = [e for e in data.rows("episodes.jsonl") if e["split"] == "train"]
    newest = episodes[-(FAST_NEWEST if trial.is_fast else NEWEST) :]
    trial.laboratory.store("icews14_newest", [{k: v for k, v in e.items() if k != "split"} for e in newest])
    memory = trial.laboratory.memory("icews14_newest")
    queries = trial.sample(data.rows("queries.jsonl"), QUERIES, FAST_QUERIES)
    entities = len((trial.folder / "icews14" / "entities.txt").read_text(encoding="utf-8").splitlines())
    reciprocal: dict[str, Floats] = {}
    for variant, (seam, is_learned) in VARIANTS.items():
        with seam():
            chosen = dict.fromkeys(RelationalLearner().targets(memory.traces), RelationalLearner.name)
            parameters: dict[str, Any] = {}
            if is_learned:
                trial.report(f"learning {variant}")
                fitted = RelationalLearner().fit(memory.traces, list(chosen), lambda _done: None)
                parameters = {RelationalLearner.name: fitted.parameters}
            learned = engine.Learned(memory.traces.size, chosen if is_learned else {}, parameters)
            memory.learn(learned, memory.learned_revision + 1)
            ranks = []
            for query in queries:
                trial.report(f"icews14 {variant}")
                reply = trial.laboratory.ask("icews14_newest", query["cue"], [query["ask"]])
                ranks.append(rank(reply, query["ask"], query["expected"], set(query["also_true"]), entities))
        reciprocal[variant] = 1.0 / np.array(ranks)
    whole = reciprocal["nothing"]
    for variant, found in reciprocal.items():
        change = found - whole
        trial.raw[variant] = {
            "mrr": float(found.mean()),
            "hits@10": float((found > 1.0 / 10.5).mean()),
            "change": [float(change.mean()), float(change.std() / np.sqrt(len(change)))],
            "n": len(found),
        }


def _one_way() -> AbstractContextManager[Any]:
    """A stored incidence speaks only for the role it has itself."""
    keys_of, evidence_of = PairRatesFit._keys, mixture.direct_evidence

    def keys(fit: PairRatesFit, low: int, high: int, rows: Ints, cells: rates._Cells) -> Ints:
        key, role = keys_of(fit, low, high, rows, cells), fit.incidences.relation[low:high] % len(fit.incidences.roles)
        key[role[rows][:, None] != role[None]] = cells.none
        return key

    def evidence(incidences: Incidences, learned: PairRates, anchor: int, relation: int, slot: int) -> Floats:
        own = slice(int(incidences.start[anchor]), int(incidences.start[anchor + 1]))
        is_same = incidences.relation[own] % len(incidences.roles) == relation % len(incidences.roles)
        return np.where(is_same, evidence_of(incidences, learned, anchor, relation, slot), 0.0)

    seam = _without_features("meetings")
    seam.enter_context(mock.patch.object(PairRatesFit, "_keys", keys))
    for module in (mixture, learner):
        seam.enter_context(mock.patch.object(module, "direct_evidence", evidence))
    return seam


def _no_walks() -> AbstractContextManager[Any]:
    nothing = np.zeros
    seam = _without_features("neighbours_partners")
    walk = mock.patch.object(
        InteractionGraph, "walk", lambda self, *_: (nothing(self.entities), nothing(self.entities))
    )
    seam.enter_context(walk)
    return seam


def _without_features(*names: str) -> ExitStack:
    """These features say nothing, in learning and in use."""
    whole, rows = features.find_features, [FEATURES.index(name) for name in names]

    def find(*asked: Any) -> Floats:
        found = whole(*asked)
        found[rows] = 0.0
        return found

    seam = ExitStack()
    for module in (mixture, learner):
        seam.enter_context(mock.patch.object(module, "find_features", find))
    return seam


VARIANTS: dict[str, tuple[Callable[[], AbstractContextManager[Any]], bool]] = {
    "nothing": (nullcontext, True),
    "role inverses": (_one_way, True),
    "friends of friends": (_no_walks, True),
    "who takes part in what and when": (lambda: _without_features("what", "when", "recent_activity"), True),
    "how often they met": (lambda: _without_features("meetings", "meetings_in_relation"), True),
    "all that is learned": (nullcontext, False),
}
