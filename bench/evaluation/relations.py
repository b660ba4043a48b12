"""Who did what to whom, when (icews14): all entities ranked for the asked side of an event that is not stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation.laboratory import Reply
from bench.evaluation.measures import ece, ece_floor, is_right
from bench.evaluation.trial import Trial

Json = dict[str, Any]
Question = tuple[str, str, str, str]
BEST_PUBLISHED = (0.641, 0.564, 0.779)  # LTGQ; MRR, Hits@1, Hits@10 of the test set
NO_LEARNING = (0.413, 0.331, 0.557)


def ranked_entities(trial: Trial) -> None:
    """Mean reciprocal rank and hits, filtered of what is also true at that time.

    The rank is read from the posterior behind the service's own answer, over every entity: the
    winner and its hypotheses are its head. An entity that no stored event has there shares the last ranks.
    Confidences are judged where no stored event answers the cue; an answer is right if it is true at that time.
    """
    data = trial.data("icews14")
    episodes = [e for e in data.rows("episodes.jsonl") if e["split"] == "train"]
    records = [{k: v for k, v in e.items() if k != "split"} for e in episodes]
    if trial.is_fast:
        records = records[:8000]
    space = "icews14_train" + ("_first" if trial.is_fast else "")
    trial.laboratory.store(space, records)
    if not trial.is_fast:
        trial.laboratory.consolidate(space)
    told = _stored_answers(records)
    lines = (trial.folder / "icews14" / "entities.txt").read_text(encoding="utf-8").splitlines()
    ranks, answers = [], []
    for query in trial.sample(data.rows("queries.jsonl"), 2400, 80):
        trial.report("icews14")
        reply, true = (
            trial.laboratory.ask(space, query["cue"], [query["ask"]]),
            [query["expected"], *query["also_true"]],
        )
        ranks.append(rank(reply, query["ask"], query["expected"], set(query["also_true"]), len(lines)))
        is_told = _question(query["cue"], query["ask"]) in told  # then the answer is recollection's
        if not is_told:
            trial.judge("icews14", reply, query["ask"], true)
        value, confidence = reply.ranked(query["ask"])[0]
        answers.append((confidence, any(is_right(value, x) for x in true), not is_told, len(true) == 1))
    _calibration(trial, np.array(answers, dtype=float))
    found = np.array(ranks)
    measures = {
        "MRR": float((1.0 / found).mean()),
        "Hits@1": float((found < 1.5).mean()),
        "Hits@10": float((found < 10.5).mean()),
    }
    for place, (what, reached) in enumerate(measures.items()):
        trial.figure(
            f"relations_{what}",
            "icews14",
            what,
            reached,
            len(found),
            baseline=NO_LEARNING[place],
            ceiling=BEST_PUBLISHED[place],
        )


def _calibration(trial: Trial, answers: npt.NDArray[np.float64]) -> None:
    """The ECE of the answers by which queries are counted; `answers` are rows of confidence, right, and whether
    no stored event answers the query, and no other entity is true in the validation part either."""
    confidence, right, untold, single = answers.T
    everything = np.ones(len(answers))
    for what, counted in (
        ("that no stored event answers", untold),
        ("to which one entity alone is true", single),
        ("all", everything),
    ):
        of = counted > 0.5
        error = ece(confidence[of], right[of])
        trial.figure(
            "relations_ece", "icews14", f"ECE, queries {what}", error, int(of.sum()), ceiling=ece_floor(confidence[of])
        )


def _stored_answers(records: Sequence[Json]) -> set[Question]:
    """The questions that a stored event answers."""
    return {_question(record, target) for record in records for target in ("who", "whom")}


def _question(fields: Json, target: str) -> Question:
    """What is asked: the target, the other entity, what, and when."""
    return target, fields["whom" if target == "who" else "who"], fields["what"], fields["when"]


def rank(reply: Reply, target: str, expected: str, also_true: set[str], entities: int) -> float:
    """The filtered rank of the truth, ties at their middle."""
    assert reply.answer is not None
    posterior = reply.answer.posterior
    column = posterior.traces.columns[target]
    p: npt.NDArray[np.float64] = posterior.probabilities(target).copy()
    code = column.find(expected)
    filtered = [column.find(value) for value in also_true if not is_right(value, expected)]
    p[[c for c in filtered if c >= 0]] = -1.0
    if code < 0:
        listed = int((p >= 0.0).sum())
        return listed + 0.5 * (entities - len(p) + 1)
    return float(1 + (p > p[code]).sum() + 0.5 * ((p == p[code]).sum() - 1))
