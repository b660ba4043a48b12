"""`python -m bench.evaluation.coldstart`: what the closed form says of new events, before anything was learned.

Per set and size of memory, new events are asked for two fields from half of the others and for one from all others.
Log-loss of the true value in nats, share right, and ECE, of P_G alone and of the whole answer, for the closed
form, without its schema, and with every field weighing 1. Values that no stored event has are left out.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.measures import ece
from engine import CueInput, Options, Traces, attach
from engine.choice import same_answer
from engine.learning import log_loss
from engine.posterior import Posterior

Json = dict[str, Any]
SETS = ("football", "bird_strikes", "clean_hospital", "epbench_default200")
TABLES = ("cmc", "german", "concrete")
SIZES = (25, 60, 200, 1_000, 6_000)
EVENTS = 60
NO_FIELDS = {"id", "split", "dataset", "text"}
VARIANTS = {
    "closed form": lambda w: w,
    "without its schema": lambda w: replace(w, v={}, default_v=0.0),
    "every field weighs 1": lambda w: replace(w, w={}, default_w=1.0),
}


def main() -> None:
    """Print one line per set and size, and the means over all."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.coldstart", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pools: dict[str, list[npt.NDArray[np.float64]]] = {variant: [] for variant in VARIANTS}
    print("| set | episodes | weights | P_G log-loss | right | ECE | P log-loss | right | ECE |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for name, stored, new in worlds(arguments.data):
        for size in SIZES:
            if size > max(len(stored), SIZES[-1] if name in SETS[:2] else 0):
                continue
            for variant, found in measure(stored[-size:], new, arguments.seed + size).items():
                pools[variant].append(found)
                print(_line(name, size, variant, [found]), flush=True)
    for variant, pool in pools.items():
        print(_line("all", len(pool), variant, pool))


def worlds(data: Path) -> Iterator[tuple[str, list[Json], list[Json]]]:
    """(name, stored episodes, new ones): the sets' own split where they have one, else a fifth is new."""
    for name in SETS:
        episodes = Dataset(data / name).rows("episodes.jsonl")
        yield (name, *_divided(episodes))
    rows = Dataset(data / "imputation_uci").rows("episodes.jsonl")
    for table in TABLES:
        yield (table, *_divided([row for row in rows if row["dataset"] == table]))


def measure(stored: list[Json], new: list[Json], seed: int) -> dict[str, npt.NDArray[np.float64]]:
    """Per variant float64[n, 6]: (log-loss, right, confidence) of P_G and of P, for every question."""
    traces, rng = Traces(), np.random.default_rng(seed)
    for episode in stored:
        traces.append(episode, math.nan, None)
    schema = attach(traces)
    found: dict[str, list[list[float]]] = {variant: [] for variant in VARIANTS}
    for i in rng.choice(len(new), min(EVENTS, len(new)), replace=False):
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


def _line(name: str, size: int, variant: str, cells: list[npt.NDArray[np.float64]]) -> str:
    """One row; means over cells, the ECE over all their answers."""
    mean, pooled = np.mean([cell.mean(axis=0) for cell in cells], axis=0), np.concatenate(cells)
    figures = [(mean[j], mean[j + 1], ece(pooled[:, j + 2], pooled[:, j + 1])) for j in (0, 3)]
    return f"| {name} | {size:,} | {variant} | " + " | ".join(f"{x:.3f}" for f in figures for x in f) + " |"


if __name__ == "__main__":
    main()
