"""How recall holds as a space grows: synthetic episodes of ten Zipf fields, beside the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.evaluation.removal import REMOVED, Oracle
from bench.evaluation.trial import SEED, Trial

Json = dict[str, Any]
FIELDS, KINDS, VALUES, FOLLOWS_KIND, WRONG = 10, 50, 200, 0.5, 0.1
SIZES, CUES = (1_000, 10_000, 100_000), 400


def capacity(trial: Trial) -> None:
    """Share of removed fields right for each size, share removed, and rate of wrong cue fields."""
    for size in SIZES[:1] if trial.is_fast else SIZES:
        records = synthetic(size)
        space = f"zipf_{size}"
        trial.laboratory.store(space, records)
        oracle = Oracle(records)
        rows = trial.sample(records, CUES, 40)
        for wrong in (0.0, WRONG):
            for removed in REMOVED:
                _point(trial, space, oracle, rows, removed, wrong)


def _point(trial: Trial, space: str, oracle: Oracle, rows: list[Json], removed: float, wrong: float) -> None:
    rng = np.random.default_rng(SEED + round(100 * removed))
    ours, theirs = [], []
    for record in rows:
        trial.report(f"capacity {oracle.size}")
        fields = {k: v for k, v in record.items() if k != "id"}
        gone = sorted(rng.permutation(sorted(fields))[: round(removed * len(fields))].tolist())
        cue = {k: oracle.another(k, v, rng) if rng.random() < wrong else v for k, v in fields.items() if k not in gone}
        reply = trial.laboratory.ask(space, cue, gone)
        exact = oracle.answer(cue, gone, wrong)
        for target in gone:
            ours.append(reply.ranked(target)[0][0] == fields[target])
            theirs.append(exact[target][0] == fields[target])
    what = f"N = {oracle.size:,}, {removed:.0%} removed" + (f", {wrong:.0%} wrong" if wrong else "")
    trial.figure("capacity", "synthetic", what, np.mean(ours), len(ours), baseline=float(np.mean(theirs)))
    trial.raw.setdefault("curve", []).append(
        [oracle.size, removed, wrong, float(np.mean(ours)), float(np.mean(theirs))]
    )


def synthetic(size: int) -> list[Json]:
    """Episodes of KINDS kinds: a field has its kind's usual value or a Zipf one of VALUES."""
    rng = np.random.default_rng(SEED)
    share = 1.0 / np.arange(1, VALUES + 1)
    share /= share.sum()
    usual = rng.choice(VALUES, (KINDS, FIELDS), p=share)
    kind = rng.choice(KINDS, size)
    drawn = rng.choice(VALUES, (size, FIELDS), p=share)
    values = np.where(rng.random((size, FIELDS)) < FOLLOWS_KIND, usual[kind], drawn)
    return [
        {"id": f"z{i}", **{f"field{j}": f"v{v}" for j, v in enumerate(row)}} for i, row in enumerate(values.tolist())
    ]
