"""`python -m bench.evaluation.baselines`: what other methods make of new events, kept in baselines.json.

Nearest neighbours (overlap and Gower, fields weighted by their mutual information with the target),
naive Bayes, the forest of MissForest (Stekhoven & Buehlmann 2012: with one field to impute and the rest observed,
its iteration is one fit), a forest that has seen masked rows, and LightGBM tuned by early stopping on the
newest tenth. All are fitted per target on the training part and asked the queries of `records`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import DEFAULT_FOLDER, Dataset
from bench.evaluation.measures import ece, risk_coverage
from bench.evaluation.records import BASELINES, HIDDEN, SETS, more, official

Json = dict[str, Any]
Floats = npt.NDArray[np.float64]
NEIGHBOURS, BINS = 15, 16
MANY_CLASSES, VERY_MANY_CLASSES = 60, 1000
NEWEST_ROWS = 16_000


@dataclass(frozen=True, slots=True)
class Task:
    """One target: training rows A with classes y, rows B to answer; NaN where unknown, `named` marks categories."""

    A: Floats
    y: npt.NDArray[np.int64]
    B: Floats
    named: npt.NDArray[np.bool_]
    classes: int

    @property
    def counts(self) -> Floats:
        """Training rows per class."""
        return np.bincount(self.y, minlength=self.classes).astype(float)


class Table:
    """Records as numbers: categories by frequency, dates as year, month and weekday; prose is left out."""

    def __init__(self, records: Sequence[Json], types: Mapping[str, str]) -> None:
        self.types = types
        self._codes: dict[str, dict[str, int]] = {}
        for field in types:
            often = Counter(str(r[field]) for r in records if field in r).most_common()
            self._codes[field] = {value: i for i, (value, _) in enumerate(often)}
        self.fields: list[str] = []
        self.named: list[bool] = []
        for field, kind in types.items():
            width = {"time": 3, "text": 0}.get(kind, 1)
            self.fields += [field] * width
            self.named += [kind not in ("time", "numeric")] * width

    def rows(self, records: Iterable[Json]) -> Floats:
        """float64[N, columns]."""
        return np.array([[x for field in self.types for x in self._cells(field, r)] for r in records], dtype=float)

    def _cells(self, field: str, record: Json) -> list[float]:
        kind = self.types[field]
        if kind == "text":
            return []
        if kind == "time":
            if field not in record:
                return [np.nan] * 3
            day = date.fromisoformat(record[field][:10])
            return [day.toordinal() / 365.25, day.month, day.weekday()]
        if field not in record:
            return [np.nan]
        return [float(record[field]) if kind == "numeric" else self._codes[field].get(str(record[field]), np.nan)]


def neighbours(task: Task) -> Floats:
    """P(y) from the most alike training rows, weight falling with the distance, smoothed by the base rates."""
    weights = np.array([max(_information(column, task.y), 0.001) for column in _binned(task, task.A).T])
    span = np.nanmax(task.A, axis=0) - np.nanmin(task.A, axis=0) + 1e-9
    found = np.zeros((len(task.B), task.classes))
    for i, row in enumerate(task.B):
        alike = np.zeros(len(task.A))
        for j in np.flatnonzero(~np.isnan(row)):
            column = task.A[:, j]
            near = column == row[j] if task.named[j] else np.nan_to_num(1.0 - np.abs(column - row[j]) / span[j])
            alike += weights[j] * near
        best = np.argpartition(-alike, NEIGHBOURS)[:NEIGHBOURS]
        np.add.at(found[i], task.y[best], np.exp(3.0 * (alike[best] - alike[best].max())))
    found /= found.sum(axis=1, keepdims=True)
    return 0.98 * found + 0.02 * task.counts / task.counts.sum()


def naive_bayes(task: Task) -> Floats:
    """Independent fields given the class, numbers in quantile bins."""
    log = np.tile(np.log((task.counts + 1.0) / (task.counts.sum() + task.classes)), (len(task.B), 1))
    for a, b in zip(_binned(task, task.A).T, _binned(task, task.B).T, strict=True):
        size = max(a.max(), b.max()) + 1
        table = np.zeros((size, task.classes))
        known = a >= 0
        np.add.at(table, (a[known], task.y[known]), 1.0)
        table = np.log((table + 0.5) / (table.sum(axis=0) + 0.5 * size))
        log += np.where((b >= 0)[:, None], table[np.maximum(b, 0)], 0.0)
    p = np.exp(log - log.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def forest(task: Task, *, masked: bool) -> Floats:
    """A random forest; `masked`: every tree sees rows with up to half of their fields hidden."""
    from sklearn.tree import DecisionTreeClassifier

    rng, many = np.random.default_rng(0), task.classes > 100
    trees, leaf = (40, 3) if many else (100, 2)
    fill = np.full(task.A.shape[1], -1.0)
    if not masked:
        fill = np.array([0.0 if named else np.nanmedian(c) for c, named in zip(task.A.T, task.named, strict=True)])
    stored, asked = (np.where(np.isnan(rows), fill, rows) for rows in (task.A, task.B))
    p = np.zeros((len(asked), task.classes))
    for t in range(trees):
        drawn = rng.integers(0, len(stored), len(stored))
        sample = stored[drawn]
        if masked:
            sample = np.where(rng.random(sample.shape) < rng.uniform(0, 0.5, (len(sample), 1)), -1.0, sample)
        tree = DecisionTreeClassifier(max_features="sqrt", min_samples_leaf=leaf, random_state=t)
        tree.fit(sample, task.y[drawn])
        p[:, tree.classes_] += tree.predict_proba(asked)
    return p / trees


def boosted(task: Task) -> Floats:
    """LightGBM: settings and rounds by log-loss on the newest tenth, then refitted on all."""
    import lightgbm

    many = task.classes > MANY_CLASSES
    stored, y = (task.A[-NEWEST_ROWS:], task.y[-NEWEST_ROWS:]) if many else (task.A, task.y)
    least = 6 if task.classes > VERY_MANY_CLASSES else 3
    kept = np.flatnonzero(np.bincount(y, minlength=task.classes) >= least)
    place = np.full(task.classes, -1)
    place[kept] = np.arange(len(kept))
    stored, y = stored[place[y] >= 0], place[y[place[y] >= 0]]
    held = len(y) // 10
    common: Json = {
        "objective": "multiclass", "num_class": len(kept), "num_threads": 1, "verbose": -1,
        "max_bin": 63, "max_cat_threshold": 32, "seed": 0,
    }  # fmt: skip
    named = [int(j) for j in np.flatnonzero(task.named)]
    best: tuple[float, Json, int] | None = None
    for setting in _settings(many):
        p = {**common, **setting}
        data = lightgbm.Dataset(stored[:-held], y[:-held], categorical_feature=named, params=p, free_raw_data=False)
        newest = lightgbm.Dataset(stored[-held:], y[-held:], reference=data)
        stop = lightgbm.early_stopping(8 if many else 20, verbose=False)
        model = lightgbm.train(p, data, 40 if many else 300, [newest], callbacks=[stop])
        loss = model.best_score["valid_0"]["multi_logloss"]
        if best is None or loss < best[0]:
            best = (loss, p, model.best_iteration)
    assert best is not None
    model = lightgbm.train(
        best[1], lightgbm.Dataset(stored, y, categorical_feature=named, params=best[1]), int(best[2] * 1.1) + 1
    )
    found = np.full((len(task.B), task.classes), 1e-6)
    found[:, kept] += model.predict(task.B).reshape(len(task.B), -1)
    return found / found.sum(axis=1, keepdims=True)


METHODS: dict[str, Callable[[Task], Floats]] = {
    "kNN": neighbours,
    "naive Bayes": naive_bayes,
    "MissForest": lambda task: forest(task, masked=False),
    "masked random forest": lambda task: forest(task, masked=True),
    "LightGBM": boosted,
}


def measure(name: str, data: Dataset, methods: Sequence[str]) -> dict[str, Json]:
    """Per method and group of queries the figures that `records` reports of the service."""
    raw_types = json.loads((data.folder / "schema.json").read_text(encoding="utf-8"))
    types = {f: t if t in ("time", "numeric", "text") else "categorical" for f, t in raw_types.items()}
    episodes = data.rows("episodes.jsonl")
    train = sorted((e for e in episodes if e["split"] == "train"), key=lambda e: str(e["when"]))
    own = official(data)
    targets = list(dict.fromkeys(q["ask"] for q in own))
    groups = {"of the data set": own, "further": more(name, episodes, targets)}
    table = Table(train, types)
    stored = table.rows(train)
    answers = {m: {g: {"p": [], "right": [], "mae": {}} for g in groups} for m in methods}
    for target in targets:
        asked = {g: [q for q in queries if q["ask"] == target] for g, queries in groups.items()}
        every = [q for queries in asked.values() for q in queries]
        hidden = {target, *HIDDEN.get(name, {}).get(target, ())}
        use = np.array([field not in hidden for field in table.fields])
        known = [i for i, e in enumerate(train) if target in e]
        classes, y = np.unique([str(train[i][target]) for i in known], return_inverse=True)
        given = table.rows(q["cue"] for q in every)
        task = Task(stored[known][:, use], y, given[:, use], np.array(table.named)[use], len(classes))
        for method in methods:
            p = METHODS[method](task)
            print(name, target, method, flush=True)
            _note(answers[method], asked, p, classes, types[target] == "numeric", target)
    return {method: {g: _figures(found) for g, found in of.items()} for method, of in answers.items()}


def _note(
    answers: Json, asked: Mapping[str, list[Json]], p: Floats, classes: npt.NDArray[Any], numeric: bool, target: str
) -> None:
    start = 0
    for group, queries in asked.items():
        mine = p[start : start + len(queries)]
        start += len(queries)
        if numeric:
            value = np.array([float(c) for c in classes])
            order = np.argsort(value)
            middle = (mine[:, order].cumsum(axis=1) < 0.5).sum(axis=1).clip(0, len(value) - 1)
            truth = np.array([float(q["expected"]) for q in queries])
            answers[group]["mae"][target] = {"mae": float(np.abs(value[order][middle] - truth).mean())}
            continue
        top = mine.argmax(axis=1)
        answers[group]["p"] += mine.max(axis=1).tolist()
        answers[group]["right"] += [classes[t] == str(q["expected"]) for t, q in zip(top, queries, strict=True)]


def _figures(found: Json) -> Json:
    p, right = np.array(found["p"]), np.array(found["right"], dtype=float)
    coverage, risk = risk_coverage(p, right)
    keep = np.unique(np.linspace(0, len(p) - 1, 60).astype(int))
    return {
        "accuracy": float(right.mean()),
        "ece": ece(p, right),
        "brier": float(((p - right) ** 2).mean()),
        "mae": found["mae"],
        "risk": [[round(float(coverage[i]), 4), round(float(risk[i]), 4)] for i in keep],
    }


def _settings(many: bool) -> list[Json]:
    """LightGBM's settings to choose from, each with what all share in its place."""
    names = ("num_leaves", "learning_rate", "min_data_in_leaf", "cat_smooth", "cat_l2", "lambda_l2", "feature_fraction")
    rows = [(12, 0.12, 10, 10, 10, 5, 1.0)]
    if not many:
        rows = [(15, 0.06, 20, 10, 10, 1, 1.0), (31, 0.06, 20, 20, 10, 5, 0.7), (7, 0.1, 40, 20, 20, 5, 0.7)]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _binned(task: Task, rows: Floats) -> npt.NDArray[np.int64]:
    """Codes of every column, numbers in quantile bins of the training rows; -1 unknown."""
    made = []
    for j, named in enumerate(task.named):
        column = rows[:, j]
        codes = column
        if not named:
            edges = np.unique(np.nanquantile(task.A[:, j], np.linspace(0, 1, BINS + 1)[1:-1]))
            codes = np.searchsorted(edges, column)
        made.append(np.where(np.isnan(column), -1, codes).astype(int))
    return np.array(made).T


def _information(x: npt.NDArray[np.int64], y: npt.NDArray[np.int64]) -> float:
    """Mutual information in nats, Miller-Madow corrected."""
    known = x >= 0
    x, y = x[known], y[known]
    n = len(x)
    pairs, joint = np.unique(x * (y.max() + 1) + y, return_counts=True)
    px, py = np.bincount(x) / n, np.bincount(y) / n
    information = (joint / n * np.log(joint / n / (px[pairs // (y.max() + 1)] * py[pairs % (y.max() + 1)]))).sum()
    return float(information - (len(pairs) - (px > 0).sum() - (py > 0).sum() + 1) / (2 * n))


def main() -> None:
    """Measure the methods named, or all, and keep the rest of the file as it is."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.baselines")
    parser.add_argument("methods", nargs="*", choices=[[], *METHODS])
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER)
    arguments = parser.parse_args()
    kept: Json = json.loads(BASELINES.read_text(encoding="utf-8")) if BASELINES.exists() else {}
    for name in SETS:
        for method in arguments.methods or list(METHODS):
            kept.setdefault(name, {}).update(measure(name, Dataset(arguments.data / name), [method]))
            BASELINES.write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
