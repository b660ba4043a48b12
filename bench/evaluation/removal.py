"""Stored episodes with a share of their fields removed, beside the oracle that knows how the cues were made.

The oracle weighs every stored episode by the true likelihood of the cue, in which each given
field is wrong with a known chance and then holds the value of a random episode, and answers each field with
the heaviest value: no method can be right more often on average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.evaluation.trial import SEED, Trial

Json = dict[str, Any]
REMOVED = (0.3, 0.5, 0.7)
WRONG = (0.0, 0.1)
SETS = ("football", "bird_strikes", "icews14", "febrl4", "epbench_default200", "clean_hospital")
WITHOUT = ("split", "chapter", "text", "style")


class Oracle:
    """The exact posterior over stored records for a known rate of wrong cue fields."""

    def __init__(self, records: Sequence[Mapping[str, Any]]) -> None:
        self.names = sorted({name for record in records for name in record if name != "id"})
        self._codes: dict[str, npt.NDArray[np.int64]] = {}
        self._values: dict[str, list[Any]] = {}
        self._of: dict[str, dict[str, int]] = {}
        for name in self.names:
            of: dict[str, int] = {}
            codes, values = [], []
            for record in records:
                if name not in record:
                    codes.append(-1)
                    continue
                key = repr(record[name])
                if key not in of:
                    of[key] = len(of)
                    values.append(record[name])
                codes.append(of[key])
            self._codes[name], self._values[name], self._of[name] = np.array(codes), values, of
        self.size = len(records)

    def answer(self, cue: Mapping[str, Any], targets: Sequence[str], wrong: float) -> dict[str, tuple[Any, float]]:
        """(value, probability) per target."""
        log = np.zeros(self.size)
        for name, value in cue.items():
            codes = self._codes[name]
            same = codes == self._of[name][repr(value)]
            by_chance = wrong * same.mean()
            log += np.log(np.maximum(np.where(same, 1.0 - wrong, 0.0) + by_chance, 1e-300))
        weights = np.exp(log - log.max())
        found = {}
        for target in targets:
            codes = self._codes[target]
            has = codes >= 0
            mass = np.bincount(codes[has], weights=weights[has], minlength=len(self._values[target]))
            best = int(mass.argmax())
            found[target] = (self._values[target][best], float(mass[best] / mass.sum()))
        return found

    def another(self, name: str, value: Any, rng: np.random.Generator) -> Any:
        """The value of this field in a random episode that has another one there."""
        codes = self._codes[name]
        able = np.flatnonzero((codes >= 0) & (codes != self._of[name][repr(value)]))
        return value if not len(able) else self._values[name][codes[int(rng.choice(able))]]


def removed_fields(trial: Trial) -> None:
    """Every set, share removed and rate of wrong fields."""
    for name in SETS if not trial.is_fast else SETS[:1] + SETS[3:5]:
        records = trial.data(name).episodes(*WITHOUT)
        if name == "icews14":
            records = [r for r in trial.data(name).rows("episodes.jsonl") if r["split"] == "train"]
            records = [{k: v for k, v in r.items() if k != "split"} for r in records]
        space = f"{name}_fields" if name != "football" else name
        trial.laboratory.store(space, records)
        oracle = Oracle(records)
        rows = trial.sample(records, 100 if len(records) > 10_000 else 80, 15)
        for removed in REMOVED:
            for wrong in WRONG:
                _measure(trial, name, space, oracle, rows, removed, wrong)


def _measure(
    trial: Trial, name: str, space: str, oracle: Oracle, rows: list[Json], removed: float, wrong: float
) -> None:
    rng = np.random.default_rng(SEED + round(100 * removed) + round(1000 * wrong))
    ours, theirs, bound = [], [], []
    for record in rows:
        trial.report(f"{name} -{removed:.0%}")
        fields = {k: v for k, v in record.items() if k != "id"}
        names = sorted(fields)
        gone = set(rng.permutation(names)[: min(len(names) - 1, max(1, round(removed * len(names))))].tolist())
        cue = {k: v for k, v in fields.items() if k not in gone}
        cue = {k: oracle.another(k, v, rng) if rng.random() < wrong else v for k, v in cue.items()}
        targets = sorted(gone)
        reply = trial.laboratory.ask(space, cue, targets)
        best = oracle.answer(cue, targets, wrong)
        for target in targets:
            task = f"{name} removed" + (" and wrong" if wrong else "")
            ours.append(trial.judge(task, reply, target, fields[target]))
            theirs.append(repr(best[target][0]) == repr(fields[target]))
            bound.append(best[target][1])
    what = f"{removed:.0%} of fields removed" + (f", {wrong:.0%} of the cue's wrong" if wrong else "")
    n = len(ours)
    row = f"removed_{round(100 * removed)}" + ("_wrong" if wrong else "")
    trial.figure(row, name, what, np.mean(ours), n, baseline=float(np.mean(theirs)), ceiling=float(np.mean(bound)))
    trial.raw[f"{name} {removed} {wrong}"] = [float(np.mean(ours)), float(np.mean(theirs)), float(np.mean(bound)), n]
