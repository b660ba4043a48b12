"""`python -m bench.evaluation.cuenoise`: what learning how damaged cues are is worth, at several rates of wrong fields.

Cues of half the fields of stored events, each field wrong with a known chance. Some cues are asked for the
workers to count, as with RECOLLECT_CUE_NOISE=learned; then others, under the shipped and under the learned prior.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.ablations import with_schema
from bench.evaluation.cache import Cache, engine_digest
from bench.evaluation.laboratory import Laboratory, laboratory
from bench.evaluation.measures import ece, is_right
from bench.evaluation.records import SETS
from bench.evaluation.removal import Oracle
from bench.evaluation.trial import SEED
from engine import noise
from recollect.service import cuenoise

Json = dict[str, Any]
WRONG = (0.0, 0.1, 0.2)
NEWEST, CUES, TARGETS = 12_000, 200, 3
FLOOR = 1e-6


def main() -> None:
    """Print one line per set and rate."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.cuenoise", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    folder: Path = parser.parse_args().data
    print("| set | fields wrong | cues damaged | learned | right, shipped | learned | ECE | | log-loss | |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    with laboratory(Cache(engine_digest())) as service:
        service.runtime.settings = replace(service.runtime.settings, cue_noise=cuenoise.LEARNED_FROM_CUES)
        for name in SETS:
            records = Dataset(folder / name).episodes("split")[-NEWEST:]
            service.store(name, records)
            oracle = Oracle(records)
            for wrong in WRONG:
                print(f"| {name} | {wrong:.0%} | {_line(service, name, records, oracle, wrong)}", flush=True)


def _line(service: Laboratory, space: str, records: Sequence[Json], oracle: Oracle, wrong: float) -> str:
    rng = np.random.default_rng(SEED + round(100 * wrong))
    counted, asked = ([_damaged(records, oracle, wrong, rng) for _ in range(CUES)] for _ in range(2))
    memory = service.memory(space)
    service.runtime.cues.forget(memory.space.uid)
    for cue, _, _ in counted:
        service.ask(space, cue, ())
    counts = cuenoise.counted(service.runtime, memory)
    assert counts is not None
    prior = noise.prior(counts)
    found = []
    for seam in (nullcontext, with_schema(lambda schema: replace(schema, noise=prior))):
        with seam():
            found.append(np.array([row for cue, hidden, _ in asked for row in _ask(service, space, cue, hidden)]))
    shares = [f"{np.mean([is_damaged for *_, is_damaged in counted]):.3f}", f"{1.0 - prior[0]:.3f}"]
    right = [f"{right.mean():.3f}" for _, right in (f.T for f in found)]
    errors = [f"{ece(p, right):.3f}" for p, right in (f.T for f in found)]
    losses = [
        f"{-np.log(np.maximum(np.where(right > 0.5, p, 1.0 - p), FLOOR)).mean():.3f}"
        for p, right in (f.T for f in found)
    ]
    return " | ".join([*shares, *right, *errors, *losses]) + " |"


def _ask(service: Laboratory, space: str, cue: Json, hidden: Json) -> list[tuple[float, float]]:
    """(confidence, right) of every hidden field."""
    reply = service.ask(space, cue, tuple(hidden))
    told = {target: reply.ranked(target)[0] for target in hidden}
    return [(told[target][1], float(is_right(told[target][0], truth))) for target, truth in hidden.items()]


def _damaged(
    records: Sequence[Json], oracle: Oracle, wrong: float, rng: np.random.Generator
) -> tuple[Json, Json, bool]:
    """(half of an event's fields, each wrong with this chance; some of the others; whether any is wrong)."""
    record = records[int(rng.integers(len(records)))]
    fields = {name: value for name, value in record.items() if name != "id"}
    names = rng.permutation(sorted(fields)).tolist()
    kept, hidden = names[: max(2, len(names) // 2)], names[max(2, len(names) // 2) :][:TARGETS]
    cue = {n: oracle.another(n, fields[n], rng) if rng.random() < wrong else fields[n] for n in kept}
    return cue, {n: fields[n] for n in hidden}, any(cue[n] != fields[n] for n in kept)


if __name__ == "__main__":
    main()
