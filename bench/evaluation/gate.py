"""What tells a cue of a stored event from one of a new event (`engine.recollection.match`), judged set by set.

Cues of six sets: of stored events (whole, partial and damaged) and of none (recombined, lures, people nobody
stored, events after the stored ones). Every set counts alike, and so do its two kinds. Beside the match stands what
it is where nothing is known of how new events stray from stored ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.measures import auroc, ece
from bench.evaluation.trial import SEED, Trial
from engine import CueInput, Options, Traces, attach, parse_time
from engine.answer.posterior import Posterior

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Case = tuple[str, bool, float, float]  # set, whether the event is stored, match, match with unknown kernels
MOST, FAST_MOST = 200, 15  # cues of a kind in a set
SHARE = (0.3, 0.8)  # of a record's fields in a partial cue
TITLE = "Stored or new, set by set"
TOLD = """Whether a cue means a stored event, {cues:,} cues of {sets} sets, before any consolidation: AUROC, log-loss
in nats and calibration error of the match; and the log-loss where every kernel of new events counts alike. Half for
every cue: .693."""
COLUMNS = ("set", "stored", "new", "AUROC", "log-loss", "ECE", "log-loss, kernels unknown")


def gates(trial: Trial) -> None:
    """The match on every set, and its means over the sets."""
    cases = list(_cases(trial.folder, FAST_MOST if trial.is_fast else MOST))
    sets, stored, match, unknown = (np.array(column) for column in zip(*cases, strict=True))
    weight = balanced(sets, stored)
    lines: list[list[str | float]] = []
    for name in np.unique(sets).tolist():
        own = sets == name
        counts = [f"{(own & kind).sum():,}" for kind in (stored, ~stored)]
        losses = [log_loss(p, stored, weight, own) for p in (match, unknown)]
        error = ece(match[own], stored[own].astype(float))
        lines.append([name, *counts, auroc(match[own & stored], match[own & ~stored]), losses[0], error, losses[1]])
    means = [float(np.mean([line[j] for line in lines])) for j in range(3, len(COLUMNS))]  # type: ignore[arg-type]
    lines.append(["all alike", f"{stored.sum():,}", f"{(~stored).sum():,}", *means])
    trial.table(TITLE, TOLD.format(cues=len(cases), sets=len(lines) - 1), COLUMNS, lines)


def balanced(sets: npt.NDArray[Any], stored: Mask) -> Floats:
    """Weights, mean 1, by which every set counts alike and so do its two kinds of cues."""
    groups = [(sets == name) & (stored == kind) for name in np.unique(sets) for kind in (True, False)]
    share = len(sets) / (2 * len(np.unique(sets)))
    weight: Floats = np.sum([mask * share / max(1, mask.sum()) for mask in groups], axis=0)
    return weight


def log_loss(p: Floats, stored: Mask, weight: Floats, of: Mask) -> float:
    """The weighted mean log-loss of some of the cues, in nats."""
    sure = np.clip(np.where(stored, p, 1.0 - p), 1e-6, 1.0)[of]
    return float(-(weight[of] * np.log(sure)).sum() / weight[of].sum())


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
    blind = replace(schema, kernels={})
    for cue in cues[:most]:
        match, unknown = (Posterior(traces, CueInput(cue), Options(()), s).recollection.match for s in (schema, blind))
        yield name, is_stored, match, unknown


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
