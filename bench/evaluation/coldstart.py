"""What the closed form says of new events, before anything was learned.

Per set and size of memory, new events are asked for two fields from half of the others and for one from all others.
Log-loss of the true value in nats, share right, and ECE, of P_G alone and of the whole answer, for the closed
form, without its schema, and with every field weighing 1. Values that no stored event has are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.measures import ece
from bench.evaluation.trial import SEED, Trial
from engine import CueInput, Options, Traces, attach
from engine.answer.decision import same_answer
from engine.answer.posterior import Posterior
from engine.generalisation.learning import log_loss

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
SETS = ("football", "bird_strikes", "clean_hospital", "epbench_default200")
TABLES = ("cmc", "german", "concrete")
SIZES = (25, 60, 200, 1_000, 6_000)
EVENTS, FAST_EVENTS = 60, 2
NO_FIELDS = {"id", "split", "dataset", "text"}
TITLE = "Before anything was learned"
TOLD = """New events of seven sets, asked for two fields from half of the others and for one from all others, of
memories of this many episodes in closed form: log-loss of the true value in nats and share right, means over the
sets, and ECE over all answers, of generalisation alone (P_G) and of the whole answer. Values that no stored event
has are left out."""
COLUMNS = (
    "episodes, weights", "sets", "answers", "P_G: log-loss", "right", "ECE", "whole: log-loss", "right", "ECE",
)  # fmt: skip
VARIANTS = {
    "closed form": lambda w: w,
    "without its schema": lambda w: replace(w, v={}, default_v=0.0),
    "every field weighs 1": lambda w: replace(w, w={}, default_w=1.0),
}


def cold_starts(trial: Trial) -> None:
    """One line per size of memory and variant, over all sets that are as large."""
    events = FAST_EVENTS if trial.is_fast else EVENTS
    pools: dict[tuple[int, str], list[Floats]] = {}
    for name, stored, new in worlds(trial.folder):
        for size in SIZES:
            if size > max(len(stored), SIZES[-1] if name in SETS[:2] else 0):
                continue
            trial.report(f"{name}: {size:,}")
            for variant, found in measure(stored[-size:], new, SEED + size, events).items():
                if len(found):
                    pools.setdefault((size, variant), []).append(found)
    lines = [_line(size, variant, pool) for (size, variant), pool in sorted(pools.items(), key=lambda x: x[0][0])]
    trial.table(TITLE, TOLD, COLUMNS, lines)


def worlds(data: Path) -> Iterator[tuple[str, list[Json], list[Json]]]:
    """(name, stored episodes, new ones): the sets' own split where they have one, else a fifth is new."""
    for name in SETS:
        episodes = Dataset(data / name).rows("episodes.jsonl")
        yield (name, *_divided(episodes))
    rows = Dataset(data / "imputation_uci").rows("episodes.jsonl")
    for table in TABLES:
        yield (table, *_divided([row for row in rows if row["dataset"] == table]))


def measure(stored: list[Json], new: list[Json], seed: int, events: int) -> dict[str, Floats]:
    """Per variant float64[n, 6]: (log-loss, right, confidence) of P_G and of P, for every question."""
    traces, rng = Traces(), np.random.default_rng(seed)
    for episode in stored:
        traces.append(episode, math.nan, None)
    schema = attach(traces)
    found: dict[str, list[list[float]]] = {variant: [] for variant in VARIANTS}
    for i in rng.choice(len(new), min(events, len(new)), replace=False):
        names = rng.permutation(sorted(new[i].keys() & traces.columns.keys())).tolist()
        half = len(names) // 2
        for cue_names, targets in ((names[half:], names[: min(2, half)]), (names[1:], names[:1])):
            cue = CueInput({name: new[i][name] for name in cue_names})
            for target in targets:
                if traces.columns[target].find(new[i][target]) < 0:
                    continue
                for variant, change in VARIANTS.items():
                    own = replace(schema, weights=change(schema.weights))
                    posterior = Posterior(traces, cue, Options((target,)), own)
                    found[variant].append(_judged(posterior, target, new[i][target]))
    return {variant: np.array(rows) for variant, rows in found.items()}


def _judged(posterior: Posterior, target: str, truth: Any) -> list[float]:
    column = posterior.traces.columns[target]
    code, row = column.find(truth), []
    for p in (posterior.general(target).posterior, posterior.probabilities(target)):
        same = same_answer(column, int(p.argmax()))
        row += [log_loss(column, p, code), float(same[code]), float(p[same].sum())]
    return row


def _divided(episodes: list[Json]) -> tuple[list[Json], list[Json]]:
    fields = [{k: v for k, v in e.items() if k not in NO_FIELDS and v is not None} for e in episodes]
    if "split" in episodes[0]:
        is_new = [e["split"] == "test" for e in episodes]
    else:
        is_new = (np.random.default_rng(0).permutation(len(episodes)) < max(40, len(episodes) // 5)).tolist()
    return [f for f, n in zip(fields, is_new, strict=True) if not n], [
        f for f, n in zip(fields, is_new, strict=True) if n
    ]


def _line(size: int, variant: str, cells: Sequence[Floats]) -> list[str | float]:
    """One row; means over the sets, the ECE over all their answers."""
    mean, pooled = np.mean([cell.mean(axis=0) for cell in cells], axis=0), np.concatenate(cells)
    told = [(float(mean[j]), float(mean[j + 1]), ece(pooled[:, j + 2], pooled[:, j + 1])) for j in (0, 3)]
    return [f"{size:,}, {variant}", f"{len(cells)}", f"{len(pooled):,}", *(x for part in told for x in part)]
