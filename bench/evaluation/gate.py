"""What tells a cue of a stored event from one of a new event (`engine.recollection.evidence`), judged out of sample.

Cues of six sets: of stored events (whole, partial and damaged) and of none (recombined, lures, people nobody
stored, events after the stored ones). Every set counts alike, and so do its two kinds. Beside the shipped gate stand
logistic fits on the other five sets: on the ratio of evidence alone, and on all that the gate adds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.measures import auroc
from bench.evaluation.trial import SEED, Trial
from engine import CueInput, Options, Traces, attach, parse_time
from engine.answer.posterior import Posterior

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Case = tuple[str, bool, float, list[float]]  # set, whether the event is stored, match, terms
MOST, FAST_MOST = 200, 15  # cues of a kind in a set
SHARE = (0.3, 0.8)  # of a record's fields in a partial cue
TITLE = "The gate, set by set"
TOLD = """Whether a cue means a stored event, {cues:,} cues of {sets} sets, before any consolidation: log-loss in
nats of the shipped gate, of a logistic fit on the ratio of evidence alone, and of one on all of the gate's terms.
*Left out*: fitted on the other five sets, so that the set is new to the fit; *in sample*: fitted on all. Half for
every cue: .693."""
COLUMNS = (
    "set",
    "stored",
    "new",
    "AUROC, shipped",
    "shipped",
    "ratio, left out",
    "terms, left out",
    "terms, in sample",
)


def gates(trial: Trial) -> None:
    """The shipped gate and the fits on every set, and their means over the sets."""
    cases = list(_cases(trial.folder, FAST_MOST if trial.is_fast else MOST))
    sets, stored, match, terms = (np.array(column) for column in zip(*cases, strict=True))
    weight = balanced(sets, stored)
    whole = fitted(terms, stored, weight, np.ones(len(cases), dtype=bool))
    lines: list[list[str | float]] = []
    for name in np.unique(sets).tolist():
        own = sets == name
        told = [match, fitted(terms[:, :1], stored, weight, ~own), fitted(terms, stored, weight, ~own), whole]
        losses = [log_loss(p, stored, weight, own) for p in told]
        counts = [f"{(own & kind).sum():,}" for kind in (stored, ~stored)]
        lines.append([name, *counts, auroc(match[own & stored], match[own & ~stored]), *losses])
    means = [float(np.mean([line[j] for line in lines])) for j in range(3, len(COLUMNS))]  # type: ignore[arg-type]
    lines.append(["all alike", f"{stored.sum():,}", f"{(~stored).sum():,}", *means])
    trial.table(TITLE, TOLD.format(cues=len(cases), sets=len(lines) - 1), COLUMNS, lines)


def balanced(sets: npt.NDArray[Any], stored: Mask) -> Floats:
    """Weights, mean 1, by which every set counts alike and so do its two kinds of cues."""
    groups = [(sets == name) & (stored == kind) for name in np.unique(sets) for kind in (True, False)]
    share = len(sets) / (2 * len(np.unique(sets)))
    weight: Floats = np.sum([mask * share / max(1, mask.sum()) for mask in groups], axis=0)
    return weight


def fitted(terms: Floats, stored: Mask, weight: Floats, on: Mask) -> Floats:
    """The chance of being stored that a logistic fit `on` some of the cues gives all of them."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(max_iter=5000).fit(terms[on], stored[on], sample_weight=weight[on])
    chance: Floats = model.predict_proba(terms)[:, 1]
    return chance


def log_loss(p: Floats, stored: Mask, weight: Floats, of: Mask) -> float:
    """The weighted mean log-loss of some of the cues, in nats."""
    sure = np.clip(np.where(stored, p, 1.0 - p), 1e-6, 1.0)[of]
    return float(-(weight[of] * np.log(sure)).sum() / weight[of].sum())


def terms_of(posterior: Posterior) -> list[float]:
    """What `engine.recollection.evidence.match_evidence` adds up of one cue, each by itself."""
    found, fields = posterior.recollection, len(posterior.evidence)
    contradictions = found.contradictions
    one = min(1.0, contradictions)
    return [
        found.odds,
        min(1.0, max(0.0, contradictions - 1.0) / max(1.0, fields / 4.0)),
        one * float(np.log(found.weights.max())),
        one * min(1.0, max(0.0, fields - contradictions - 1.0)),
        one * max(0.0, posterior.coherence),
    ]


def _cases(folder: Path, most: int) -> Iterator[Case]:
    """Every cue of every set."""
    rng = np.random.default_rng(SEED)
    for name in ("football", "bird_strikes"):
        data = Dataset(folder / name)
        episodes, queries = data.rows("episodes.jsonl"), data.rows("queries.jsonl")
        whole, past = traces_of(episodes), traces_of(e for e in episodes if e["split"] == "train")
        for regime, space in (("noisy", whole), ("recall", whole), ("absent", whole), ("generalise", past)):
            cues = [q["cue"] for q in queries if q["regime"] == regime]
            yield from _asked(name, space, cues, most, is_stored=regime in ("noisy", "recall"))
    people = Dataset(folder / "febrl4")
    space, hard = traces_of(people.episodes()), people.rows("queries_hard.jsonl")
    yield from _asked("febrl4", space, [q["cue"] for q in hard if q.get("expected") is not None], most, is_stored=True)
    yield from _asked("febrl4", space, [q["cue"] for q in hard if q.get("expected") is None], most, is_stored=False)
    lists = Dataset(folder / "drm")
    space, probes = traces_of(lists.episodes()), lists.rows("queries.jsonl")
    for studied in (True, False):
        cues = [{"list": q["list"], "word": q["probe"]} for q in probes if bool(q["studied"]) is studied]
        yield from _asked("drm", space, cues, most, is_stored=studied)
    records = Dataset(folder / "clean_hospital").episodes()
    space = traces_of(records[::2])
    for half, is_stored in ((records[::2], True), (records[1::2], False)):
        yield from _asked("clean_hospital", space, [_part(r, rng) for r in half], most, is_stored=is_stored)
    book = Dataset(folder / "epbench_default200")
    space = traces_of(book.episodes("text"))
    for file in ("queries.jsonl", "queries_noisy.jsonl"):
        for is_stored in (True, False):
            cues = [q["cue"] for q in book.rows(file) if bool(q["expected"]) is is_stored]
            yield from _asked("epbench_default200", space, cues, most, is_stored=is_stored)


def _asked(name: str, traces: Traces, cues: Sequence[Json], most: int, *, is_stored: bool) -> Iterator[Case]:
    schema = attach(traces)
    for cue in cues[:most]:
        posterior = Posterior(traces, CueInput(cue), Options(()), schema)
        yield name, is_stored, posterior.recollection.match, terms_of(posterior)


def traces_of(records: Iterable[Mapping[str, Any]]) -> Traces:
    """A memory of these records, each at the first time that it tells."""
    traces = Traces()
    for record in records:
        fields = {k: v for k, v in record.items() if k not in ("id", "split", "text")}
        times = [parse_time(v) for v in fields.values() if isinstance(v, str) and len(v) <= 40]
        traces.append(fields, next((t for t in times if t == t), float("nan")), None)
    return traces


def _part(record: Mapping[str, Any], rng: np.random.Generator) -> Json:
    names = rng.permutation(sorted(name for name in record if name != "id")).tolist()
    return {name: record[name] for name in names[: max(2, int(rng.uniform(*SHARE) * len(names)))]}
