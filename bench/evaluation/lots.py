"""`python -m bench.evaluation.lots FOLDER`: LightGBM on ordinary tables drawn by lot, kept in baselines.json.

A model per asked field, of rows of which random fields are kept, as in the cues; untuned, numbers by l1. FOLDER has a
folder for each lot, and in it one for each table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset
from bench.evaluation.records import BASELINES

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
MASKS = 5  # of every row
LEAST_P = 1e-6
SETTINGS: Json = {"num_threads": 1, "verbose": -1, "seed": 0, "learning_rate": 0.05}
ROUNDS = {"l1": 100, "multiclass": 60}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A table as numbers: categories by their codes, NaN where unknown."""

    fields: tuple[str, ...]
    codes: dict[str, dict[str, int]]  # of those that are no numbers

    def row(self, record: Json, without: str) -> list[float]:
        """float[columns] of a record whose field `without` is asked."""
        return [np.nan if f == without or f not in record else self._cell(f, record[f]) for f in self.fields]

    def _cell(self, field: str, value: Any) -> float:
        if field in self.codes:
            return self.codes[field].get(str(value), np.nan)
        return float(value) if is_number(value) else np.nan


def encoded(records: Sequence[Json]) -> Encoded:
    """The encoding of a table by its records."""
    fields = tuple(sorted({field for record in records for field in record}))
    values = {f: [r[f] for r in records if f in r] for f in fields}
    named = {f: sorted({str(v) for v in own}) for f, own in values.items() if not all(map(is_number, own))}
    return Encoded(fields, {f: {v: i for i, v in enumerate(own)} for f, own in named.items()})


def is_number(value: Any) -> bool:
    """A number, no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def boosted(table: Encoded, records: Sequence[Json], queries: Sequence[Json], ask: str) -> list[tuple[float, float]]:
    """Of every query (whether right, log-loss in nats); of a number (absolute error in s.d., NaN)."""
    import lightgbm

    rng, known = np.random.default_rng(0), [r for r in records if ask in r]
    rows = np.array([table.row(_masked(r, ask, rng), ask) for r in known for _ in range(MASKS)])
    truth = [r[ask] for r in known for _ in range(MASKS)]
    asked = np.array([table.row(q["cue"], ask) for q in queries])
    named = [i for i, field in enumerate(table.fields) if field in table.codes]
    is_named = ask in table.codes
    goal: Json = {"objective": "multiclass", "num_class": len(table.codes[ask])} if is_named else {"objective": "l1"}
    y = np.array([table.codes[ask][str(v)] if is_named else float(v) for v in truth])
    if is_named and goal["num_class"] == 1:
        return [_judged(np.ones(1), table.codes[ask].get(str(q["truth"]))) for q in queries]
    data = lightgbm.Dataset(rows, y, categorical_feature=named)
    told = lightgbm.train({**SETTINGS, **goal}, data, ROUNDS[goal["objective"]]).predict(asked)
    if is_named:
        return [_judged(p, table.codes[ask].get(str(q["truth"]))) for p, q in zip(told, queries, strict=True)]
    spread = float(y.std()) or 1.0
    return [(abs(float(p) - q["truth"]) / spread, np.nan) for p, q in zip(told, queries, strict=True)]


def _masked(record: Json, ask: str, rng: np.random.Generator) -> Json:
    names = [name for name in record if name != ask]
    kept = rng.choice(names, rng.integers(min(2, len(names)), len(names) + 1), replace=False) if names else []
    return {name: record[name] for name in kept}


def _judged(p: Floats, truth: int | None) -> tuple[float, float]:
    chance = 0.0 if truth is None else float(p[truth])
    return float(truth == int(p.argmax())), float(-np.log(max(LEAST_P, chance)))


def measure(folder: Path) -> Json:
    """Means over the new cues of one table: right and log-loss of names, absolute error in s.d. of numbers."""
    data = Dataset(folder)
    records, queries = data.episodes("id"), [q for q in data.rows("queries.jsonl") if q["new"]]
    table, found = encoded(records), {True: [], False: []}  # type: dict[bool, list[tuple[float, float]]]
    for ask in sorted({q["ask"] for q in queries}):
        found[ask in table.codes] += boosted(table, records, [q for q in queries if q["ask"] == ask], ask)
    names, numbers = (np.array(found[kind]).reshape(-1, 2) for kind in (True, False))
    made: Json = {"names": len(names), "numbers": len(numbers)}
    if len(names):
        made |= {"right": float(names[:, 0].mean()), "loss": float(names[:, 1].mean())}
    return made | ({"error": float(numbers[:, 0].mean())} if len(numbers) else {})


def main() -> None:
    """Measure every table of every lot."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.lots")
    parser.add_argument("folder", type=Path)
    for lot in sorted(p for p in parser.parse_args().folder.iterdir() if p.is_dir()):
        kept: Json = json.loads(BASELINES.read_text(encoding="utf-8"))
        kept[f"lot {lot.name}"] = {t.name: measure(t) for t in sorted(lot.iterdir()) if t.is_dir()}
        BASELINES.write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
