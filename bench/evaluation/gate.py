"""`python -m bench.evaluation.gate`: what tells a cue of a stored event from one of a new event (`engine.evidence`).

Cues of six sets: of stored events (whole, partial and damaged) and of none (recombined, lures, people nobody
stored, events after the stored ones). Every set counts alike, and so do its two kinds. Prints the log-loss of a
logistic fit on the ratio of evidence alone and with the further terms of the gate, that of the shipped gate, and
its AUROC by set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.measures import auroc
from bench.evaluation.trial import SEED
from engine import CueInput, Options, Traces, attach, parse_time
from engine.evidence import Recollection
from engine.posterior import Posterior

Json = dict[str, Any]
MOST = 200  # cues of a kind in a set
SHARE = (0.3, 0.8)  # of a record's fields in a partial cue


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.gate", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    cases = [(name, is_stored, found) for name, is_stored, found in _cases(parser.parse_args().data)]
    sets = np.array([name for name, _, _ in cases])
    stored = np.array([is_stored for _, is_stored, _ in cases])
    groups = [(sets == name) & (stored == kind) for name in np.unique(sets) for kind in (True, False)]
    weight = np.sum([mask * len(cases) / (2 * len(np.unique(sets)) * mask.sum()) for mask in groups], axis=0)
    terms = np.array([_terms(found) for _, _, found in cases])
    print(f"{len(cases)} cues of {len(np.unique(sets))} sets")
    for what, columns in (("ratio of evidence", terms[:, :1]), ("... contradictions, the best event's share", terms)):
        print(f"{what}: log-loss {_fitted(columns, stored, weight):.3f}")
    match = np.array([found.match for _, _, found in cases])
    print(f"the shipped gate: log-loss {_loss(match, stored, weight):.3f}")
    for name in np.unique(sets):
        own = sets == name
        print(f"{name}: AUROC {auroc(match[own & stored], match[own & ~stored]):.3f}")


def _terms(found: Recollection) -> list[float]:
    contradictions = found.contradictions
    first = min(1.0, contradictions)
    return [found.odds, min(1.0, max(0.0, contradictions - 1.0)), first * float(np.log(found.weights.max()))]


def _fitted(terms: np.ndarray, stored: np.ndarray, weight: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=5000).fit(terms, stored, sample_weight=weight)
    return _loss(model.predict_proba(terms)[:, 1], stored, weight)


def _loss(p: np.ndarray, stored: np.ndarray, weight: np.ndarray) -> float:
    sure = np.clip(np.where(stored, p, 1.0 - p), 1e-6, 1.0)
    return float(-(weight * np.log(sure)).sum() / weight.sum())


def _cases(folder: Path) -> Iterator[tuple[str, bool, Recollection]]:
    """(set, whether the event is stored, what recollection makes of the cue)."""
    rng = np.random.default_rng(SEED)
    for name in ("football", "bird_strikes"):
        data = Dataset(folder / name)
        episodes, queries = data.rows("episodes.jsonl"), data.rows("queries.jsonl")
        whole, past = _traces(episodes), _traces(e for e in episodes if e["split"] == "train")
        for regime, space in (("noisy", whole), ("recall", whole), ("absent", whole), ("generalise", past)):
            cues = [q["cue"] for q in queries if q["regime"] == regime]
            yield from _asked(name, space, cues, is_stored=regime in ("noisy", "recall"))
    people = Dataset(folder / "febrl4")
    space, hard = _traces(people.episodes()), people.rows("queries_hard.jsonl")
    yield from _asked("febrl4", space, [q["cue"] for q in hard if q.get("expected") is not None], is_stored=True)
    yield from _asked("febrl4", space, [q["cue"] for q in hard if q.get("expected") is None], is_stored=False)
    lists = Dataset(folder / "drm")
    space, probes = _traces(lists.episodes()), lists.rows("queries.jsonl")
    for studied in (True, False):
        cues = [{"list": q["list"], "word": q["probe"]} for q in probes if bool(q["studied"]) is studied]
        yield from _asked("drm", space, cues, is_stored=studied)
    records = Dataset(folder / "clean_hospital").episodes()
    space = _traces(records[::2])
    for half, is_stored in ((records[::2], True), (records[1::2], False)):
        yield from _asked("clean_hospital", space, [_part(r, rng) for r in half], is_stored=is_stored)
    book = Dataset(folder / "epbench_default200")
    space = _traces(book.episodes("text"))
    for file in ("queries.jsonl", "queries_noisy.jsonl"):
        for is_stored in (True, False):
            cues = [q["cue"] for q in book.rows(file) if bool(q["expected"]) is is_stored]
            yield from _asked("epbench_default200", space, cues, is_stored=is_stored)


def _asked(
    name: str, traces: Traces, cues: Sequence[Json], *, is_stored: bool
) -> Iterator[tuple[str, bool, Recollection]]:
    schema = attach(traces)
    for cue in cues[:MOST]:
        yield name, is_stored, Posterior(traces, CueInput(cue), Options(()), schema).recollection


def _traces(records: Iterable[Mapping[str, Any]]) -> Traces:
    traces = Traces()
    for record in records:
        fields = {k: v for k, v in record.items() if k not in ("id", "split", "text")}
        times = [parse_time(v) for v in fields.values() if isinstance(v, str) and len(v) <= 40]
        traces.append(fields, next((t for t in times if t == t), float("nan")), None)
    return traces


def _part(record: Mapping[str, Any], rng: np.random.Generator) -> Json:
    names = rng.permutation(sorted(name for name in record if name != "id")).tolist()
    return {name: record[name] for name in names[: max(2, int(rng.uniform(*SHARE) * len(names)))]}


if __name__ == "__main__":
    main()
