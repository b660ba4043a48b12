"""Knowing what is not known: what is refused, and whether the advice of a refusal helps."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from bench.evaluation.measures import refused_at, spearman, with_error
from bench.evaluation.trial import SEED, Trial
from engine import RefusalGround
from engine.answer import abstention
from recollect.service.gate import DEFAULT_CA1_THRESHOLD

Json = dict[str, Any]
HIGH_THRESHOLD = 0.9
TOLD = """The cues of the row *Abstention* at the default threshold: what is refused when a ground is left out, its
number taken for beyond all doubt, and what below a confidence of .5 alone (*any of them*). Refusing an answerable
cue is wrong."""


def refusals(trial: Trial) -> None:
    """Cues of stored events against recombined and foreign ones, at the default threshold."""
    groups = _cues(trial)
    table: dict[str, dict[str, list[float]]] = {}
    without: dict[str, dict[str, list[float]]] = {}
    for kind, cues in groups.items():
        for space, cue, ask in cues:
            trial.report(f"refuse {kind}")
            refused = trial.laboratory.ask(space, cue, [ask], threshold=None).refusal is not None
            with _listening() as heard:
                reply = trial.laboratory.ask(space, cue, [ask])
            ranked = reply.ranked(ask)
            for ground, is_refused in _without_each(heard, ranked[0][1] if ranked else 0.0).items():
                without.setdefault(ground, {}).setdefault(kind, []).append(float(is_refused))
            row = table.setdefault(kind, {"refused": [], "confidence": [], "match": []})
            row["refused"].append(float(refused))
            row["confidence"].append(ranked[0][1] if ranked else 0.0)
            row["match"].append(reply.match if reply.completion is not None else 0.0)
    answerable = table["answerable"]
    foreign = [kind for kind in table if kind != "answerable"]
    n = sum(len(table[kind]["refused"]) for kind in foreign)
    refused = np.concatenate([table[kind]["refused"] for kind in foreign])
    trial.figure("refused", "all", "foreign and recombined cues refused, default threshold", refused.mean(), n)
    trial.figure(
        "refused_wrongly",
        "all",
        "cues of a stored event refused",
        np.mean(answerable["refused"]),
        len(answerable["refused"]),
    )
    for measure in ("confidence", "match"):
        negative = np.concatenate([table[kind][measure] for kind in foreign])
        threshold, share = refused_at(np.array(answerable[measure]), negative)
        what = f"refused at 5 % wrong refusals, by {measure} (threshold {threshold:.2f})"
        trial.figure(f"refused_by_{measure}", "all", what, share, n)
    for kind in foreign:
        trial.figure(
            "refused_kind",
            kind,
            "refused, default threshold",
            np.mean(table[kind]["refused"]),
            len(table[kind]["refused"]),
        )
    trial.raw["table"] = table
    _grounds(trial, without)


Doubting = Callable[..., RefusalGround | None]
DOUBT: Doubting = abstention.refusal_ground
# The grounds of a refusal: what `abstention.refusal_ground` is told of the cue beside the match.
GROUNDS = tuple(inspect.signature(DOUBT).parameters)[1:]
WHOLE, NO_DOUBT = "nothing", "any of them"


@contextmanager
def _listening() -> Iterator[list[dict[str, float]]]:
    """What `abstention.refusal_ground` was asked with while this lasts; never, where the cue means a stored event."""
    heard: list[dict[str, float]] = []

    def refusal_ground(*told: float, **named: float) -> RefusalGround | None:
        heard.append(dict(inspect.signature(DOUBT).bind(*told, **named).arguments))
        return DOUBT(*told, **named)

    with mock.patch.object(abstention, "refusal_ground", refusal_ground):
        yield heard


def _without_each(heard: Sequence[dict[str, float]], confidence: float) -> dict[str, bool]:
    """Per ground left out (its number is beyond all doubt), whether the service would refuse by itself."""

    def refuses(*left_out: str) -> bool:
        return any(DOUBT(**{**told, **dict.fromkeys(left_out, math.inf)}) is not None for told in heard)

    is_unsure = confidence < DEFAULT_CA1_THRESHOLD
    found = {WHOLE: is_unsure or refuses(), NO_DOUBT: is_unsure}
    return {**found, **{ground: is_unsure or refuses(ground) for ground in GROUNDS}}


def _grounds(trial: Trial, without: dict[str, dict[str, list[float]]]) -> None:
    """What each ground is worth: the shares refused without it, and their paired changes."""
    kinds = list(without[WHOLE])
    lines: list[list[str | float]] = []
    for ground, found in without.items():
        line: list[str | float] = [ground]
        for kind in kinds:
            own, whole = np.array(found[kind]), np.array(without[WHOLE][kind])
            line += [float(own.mean()), "" if ground == WHOLE else with_error(own - whole)]
        lines.append(line)
    columns = ["without"]
    for kind in kinds:
        columns += [f"{kind} ({len(without[WHOLE][kind]):,}): refused", "change"]
    trial.table("What each ground of a refusal is worth", TOLD, columns, lines)


def _cues(trial: Trial) -> dict[str, list[tuple[str, Json, str]]]:
    """(space, cue, asked field): of stored events, of two events mixed, and of another world."""
    groups: dict[str, list[tuple[str, Json, str]]] = {"answerable": [], "recombined": [], "foreign": []}
    rng = np.random.default_rng(SEED)
    for name in ("football", "bird_strikes"):
        data = trial.data(name)
        trial.laboratory.store(name, data.episodes("split"))
        if not trial.is_fast:
            trial.laboratory.consolidate(name)
        queries = data.rows("queries.jsonl")
        noisy = trial.sample([q for q in queries if q["regime"] == "noisy"], 200, 25)
        groups["answerable"] += [(name, q["cue"], q["ask"]) for q in noisy]
        mixed = trial.sample([q for q in queries if q["regime"] == "absent"], 200, 25)
        groups["recombined"] += [(name, q["cue"], q["ask"]) for q in mixed]
        for query in noisy:
            cue = {k: _foreign(v, rng) for k, v in query["cue"].items()}
            groups["foreign"].append((name, cue, query["ask"]))
    people = trial.data("febrl4")
    trial.laboratory.store("febrl4", people.episodes())
    if not trial.is_fast:
        trial.laboratory.consolidate("febrl4")
    hard = people.rows("queries_hard.jsonl")
    present = trial.sample([q for q in hard if q.get("expected") is not None], 200, 25)
    groups["answerable"] += [("febrl4", q["cue"], q["ask"]) for q in present]
    missing = trial.sample([q for q in hard if q.get("expected") is None], 200, 25)
    groups["recombined"] += [("febrl4", q["cue"], q.get("ask") or "state") for q in missing]
    return groups


def _foreign(value: Any, rng: np.random.Generator) -> Any:
    """A value of the same type that no episode has."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return type(value)(value * 3 + 100_003)
    return "".join(rng.choice(list("bcdfghjklmnpqrstvwxz"), max(4, min(12, len(str(value))))))


def advice(trial: Trial) -> None:
    """What a 422 suggests: the fields it names are supplied, the patches it offers applied."""
    predicted, realised, works = [], [], []
    for name in ("football", "bird_strikes"):
        data = trial.data(name)
        trial.laboratory.store(name, data.episodes("split"))
        if not trial.is_fast:
            trial.laboratory.consolidate(name)
        episodes = {e["id"]: e for e in data.episodes("split")}
        queries = [q for q in data.rows("queries.jsonl") if q["regime"] == "recall" and q["n_matching"] > 1]
        for query in trial.sample(queries, 200, 30):
            trial.report(f"advice {name}")
            refusal = trial.laboratory.ask(name, query["cue"], [query["ask"]], threshold=HIGH_THRESHOLD).refusal
            if refusal is None:
                continue
            for suggestion in refusal.suggestions:
                if suggestion.applicability == "machine_applicable":
                    lower = next(c.value for c in suggestion.changes if c.path[-1] == "ca1_threshold")
                    again = trial.laboratory.ask(name, query["cue"], [query["ask"]], threshold=lower)
                    works.append(again.refusal is None)
                field = suggestion.suggestion_id.removeprefix("add_")
                if suggestion.applicability == "needs_value" and field in episodes[query["episode"]]:
                    effect = suggestion.expected_effect
                    cue = {**query["cue"], field: episodes[query["episode"]][field]}
                    after = trial.laboratory.ask(name, cue, [query["ask"]]).ranked(query["ask"])[0][1]
                    predicted.append(effect["confidence_expected"] - effect["confidence_before"])
                    realised.append(after - effect["confidence_before"])
    p, r = np.array(predicted), np.array(realised)
    trial.figure(
        "advice",
        "football, bird_strikes",
        "Spearman of predicted and realised gain",
        spearman(p, r),
        len(p),
        ceiling=1.0,
    )
    trial.figure(
        "advice_bias",
        "football, bird_strikes",
        "mean predicted less mean realised gain",
        p.mean() - r.mean(),
        len(p),
        ceiling=0.0,
    )
    trial.figure(
        "advice_works",
        "football, bird_strikes",
        "machine-applicable suggestions that work",
        np.mean(works),
        len(works),
        ceiling=1.0,
    )
    trial.raw["gains"] = [p.tolist(), r.tolist()]
