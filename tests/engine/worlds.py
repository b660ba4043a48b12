"""Small random worlds to complete from; every one is told by its seed."""

from __future__ import annotations

import math

import numpy as np

from engine import Traces, Weights

# Names without a common trigram, so that equality is the only likeness between them.
NAMES = ["alba", "quito", "fjord", "wexpy", "numbo", "zicks", "hydre", "jovul", "gramt", "oskel"]


def random_records(
    seed: int, size: int = 60, fields: int = 5, values: int = 6, missing: float = 0.1
) -> list[dict[str, str]]:
    """Records whose fields depend on a hidden kind, with some values missing."""
    rng = np.random.default_rng(seed)
    usual = rng.integers(values, size=(4, fields))
    records = []
    for _ in range(size):
        kind = rng.integers(4)
        record = {}
        for f in range(fields):
            value = usual[kind, f] if rng.random() < 0.7 else rng.integers(values)
            if rng.random() >= missing:
                record[f"f{f}"] = NAMES[value]
        records.append(record or {"f0": NAMES[0]})
    return records


def many_records(size: int, fields: int = 6, values: int = 40, kinds: int = 30) -> list[dict[str, str]]:
    """A large world whose episodes a few fields tell apart."""
    rng = np.random.default_rng(size)
    usual = rng.integers(values, size=(kinds, fields))
    kind = rng.integers(kinds, size=size)
    drawn = np.where(rng.random((size, fields)) < 0.5, usual[kind], rng.integers(values, size=(size, fields)))
    return [{f"f{f}": f"value {v}" for f, v in enumerate(row)} for row in drawn.tolist()]


def random_weights(seed: int) -> Weights:
    """Weights for every pair of the five fields of `random_records`."""
    rng = np.random.default_rng(seed)
    pairs = [(f"f{g}", f"f{f}") for g in range(5) for f in range(5) if f != g]
    w, v = (dict(zip(pairs, rng.random(len(pairs)).tolist(), strict=True)) for _ in range(2))
    return Weights(w, v, {f"f{g}": float(rng.random()) for g in range(5)})


def traces_of(records: list[dict[str, str]]) -> Traces:
    traces = Traces()
    for record in records:
        traces.append(record, math.nan, None)
    return traces


def random_cue(records: list[dict[str, str]], seed: int) -> dict[str, str]:
    """Some fields of one record, one of them sometimes wrong."""
    rng = np.random.default_rng(seed)
    record = records[rng.integers(len(records))]
    names = sorted(record)
    chosen = rng.permutation(names)[: rng.integers(1, len(names) + 1)]
    cue = {str(name): record[str(name)] for name in chosen}
    if rng.random() < 0.3:
        cue[str(chosen[0])] = NAMES[rng.integers(len(NAMES))]
    return cue
