"""Ten numeric tables with 30 % of their cells missing (imputation_uci), every missing cell completed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from bench.evaluation.trial import Trial

Json = dict[str, Any]
FAST_TABLES, FAST_ROWS = ("iris", "yacht"), 60
ROWS = 400


def missing_numbers(trial: Trial) -> None:
    """MAE x 10 after min-max scaling, over the missing cells of every row asked; the mask of seed 0."""
    data = trial.data("imputation_uci")
    published = json.loads((trial.folder / "imputation_uci" / "published.json").read_text(encoding="utf-8"))
    by_table: dict[str, list[Json]] = {}
    for record in data.rows("episodes.jsonl"):
        by_table.setdefault(record["dataset"], []).append(record)
    masks = {q["dataset"]: q["missing"] for q in data.rows("queries.jsonl") if q["seed"] == 0}
    reached: dict[str, float] = {}
    for table, records in by_table.items():
        if trial.is_fast and table not in FAST_TABLES:
            continue
        reached[table], cells = _table(trial, table, records, masks[table])
        beside = published[table]["published_MAEx10"]
        trial.raw[table] = {"ours": reached[table], "published": beside}
        beats = min(beside[k] for k in beside if k.lower() in ("knn", "mice"))
        trial.figure("number", table, "MAE x 10", reached[table], cells, baseline=beats, ceiling=_of(beside, "m3"))
    beaten = [t for t, mae in reached.items() if mae < min(_of(trial.raw[t]["published"], n) for n in ("knn", "mice"))]
    trial.figure(
        "number_beats", "imputation_uci", "tables below KNN and MICE, share", len(beaten) / len(reached), len(reached)
    )
    mean = float(np.mean(list(reached.values())))
    hyper, m3 = (float(np.mean([_of(trial.raw[t]["published"], n) for t in reached])) for n in ("hyper", "m3"))
    trial.figure("number_mean", "imputation_uci", "mean MAE x 10", mean, len(reached), baseline=hyper, ceiling=m3)


def _table(trial: Trial, table: str, records: list[Json], missing: list[list[int]]) -> tuple[float, int]:
    names = [name for name in records[0] if name.startswith("x")]
    holes = [
        {"id": record["id"], **{n: record[n] for i, n in enumerate(names) if i not in gone and record[n] is not None}}
        for record, gone in zip(records, missing, strict=True)
    ]
    space = f"uci_{table}"
    trial.laboratory.store(space, [h for h in holes if len(h) > 1])
    trial.laboratory.consolidate(space)
    columns = {n: np.array([r[n] for r in records if r[n] is not None], dtype=float) for n in names}
    span = {n: max(float(np.ptp(column)), 1e-12) for n, column in columns.items()}
    rows = [i for i, gone in enumerate(missing) if gone]
    errors = []
    for i in trial.sample(rows, ROWS, FAST_ROWS):
        trial.report(table)
        cue = {k: v for k, v in holes[i].items() if k != "id"}
        targets = [names[c] for c in missing[i]]
        reply = trial.laboratory.ask(space, cue, targets)
        for target in targets:
            trial.judge("tables", reply, target, records[i][target])
            errors.append(abs(float(reply.ranked(target)[0][0]) - records[i][target]) / span[target])
    return 10.0 * float(np.mean(errors)), len(errors)


def _of(published: dict[str, float], name: str) -> float:
    return next(value for key, value in published.items() if key.lower().startswith(name))
