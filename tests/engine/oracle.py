"""A second, obvious implementation of recollection: every sum written out, no arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.evidence import NOISE_LEVELS, NOVEL, THIN, Gate, NoiseLevel

Record = Mapping[str, str]


def evidence(records: Sequence[Record], name: str, value: str, record: Record, level: NoiseLevel) -> float:
    """l_f for a category whose values are unlike each other (equality is the only likeness)."""
    having = [r[name] for r in records if name in r]
    same = having.count(value)
    if name not in record:
        lacking = 1.0 - len(having) / len(records)
        return min(0.0, math.log(level.absent / lacking))
    m = (same + 0.5) / (len(having) + 0.5 * len(set(having)) + 0.5)
    u = max(same / len(having), 0.5 / len(having))
    k = ((1 - level.distorted) / m + level.distorted / u) if record[name] == value else 0.0
    return math.log(level.wrong + (1 - level.wrong) * k)


def total(records: Sequence[Record], cue: Record, record: Record, level: NoiseLevel) -> float:
    return sum(evidence(records, name, value, record, level) for name, value in cue.items())


def recollection(records: Sequence[Record], cue: Record) -> tuple[list[float], float]:
    """(r_k of every record, match)."""
    masses = [sum(x.prior * math.exp(total(records, cue, r, x)) for x in NOISE_LEVELS) for r in records]
    novel = sum(math.exp(total(records, cue, r, NOVEL)) for r in records) / len(records)
    odds = math.log(sum(masses) / len(records)) - math.log(novel)
    return [mass / sum(masses) for mass in masses], Gate().match(odds) * len(records) / (len(records) + THIN)


def recollected_values(records: Sequence[Record], cue: Record, target: str) -> dict[str, float]:
    """P_R of every value of the target."""
    weights, _ = recollection(records, cue)
    p: dict[str, float] = {}
    for record, weight in zip(records, weights, strict=True):
        if target in record:
            p[record[target]] = p.get(record[target], 0.0) + weight
    return {value: mass / sum(p.values()) for value, mass in p.items()}
