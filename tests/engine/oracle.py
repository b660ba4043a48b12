"""A second, obvious implementation of what docs/concepts.md defines: every sum written out, no arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from engine.generalisation.closed_form import BROAD
from engine.generalisation.weights import Weights
from engine.priors import IDENTIFY_MARGIN_NATS, NOVELTY_MASS, SCHEMA_PSEUDOCOUNT
from engine.recollection.evidence import NOISE_LEVELS, NOVEL, NoiseLevel

Record = Mapping[str, str]


def evidence(records: Sequence[Record], name: str, value: str, record: Record, level: NoiseLevel) -> float:
    """l_f for a category whose values are unlike each other (equality is the only likeness)."""
    having = [r[name] for r in records if name in r]
    same = having.count(value)
    present = len(having) / len(records)
    has = present + (1.0 - present) * level.absent
    if name not in record:
        return math.log(level.absent / has)
    m = (same + 0.5) / (len(having) + 0.5 * len(set(having)) + 0.5)
    u = max(same / len(having), 0.5 / len(having))
    k = ((1 - level.distorted) / m + level.distorted / u) if record[name] == value else 0.0
    return math.log((level.wrong + (1 - level.wrong) * k) / has)


def total(records: Sequence[Record], cue: Record, record: Record, level: NoiseLevel) -> float:
    return sum(evidence(records, name, value, record, level) for name, value in cue.items())


def recollection(records: Sequence[Record], cue: Record) -> tuple[list[float], float]:
    """(r_k of every record, match)."""
    masses = [sum(x.prior * math.exp(total(records, cue, r, x)) for x in NOISE_LEVELS) for r in records]
    novel = sum(math.exp(total(records, cue, r, NOVEL)) for r in records) / len(records)
    odds = math.log(sum(masses) / len(records)) - math.log(novel)
    weights = [mass / sum(masses) for mass in masses]
    wrong = [sum(name in r and r[name] != value for name, value in cue.items()) for r in records]
    c = sum(weight * count for weight, count in zip(weights, wrong, strict=True))
    further = min(1.0, max(0.0, c - 1.0) / max(1.0, len(cue) / 4.0))
    agreeing = min(1.0, max(0.0, len(cue) - c - 1.0))
    told = math.log(max(weights)) + 3.5 * agreeing - 3.0 * max(0.0, coherence(records, cue))
    e = 2.0 * odds + 9.3 - 10.0 * further + min(1.0, c) * told
    return weights, 1.0 / (1.0 + math.exp(-e))


def recollected_values(records: Sequence[Record], cue: Record, target: str) -> dict[str, float]:
    """P_R of every value of the target."""
    weights, _ = recollection(records, cue)
    p: dict[str, float] = {}
    for record, weight in zip(records, weights, strict=True):
        if target in record:
            p[record[target]] = p.get(record[target], 0.0) + weight
    return {value: mass / sum(p.values()) for value, mass in p.items()}


def background(records: Sequence[Record], name: str) -> dict[str, float]:
    """m of every value of a field."""
    having = [r[name] for r in records if name in r]
    distinct = dict.fromkeys(having)
    return {v: (having.count(v) + 0.5) / (len(having) + 0.5 * len(distinct) + 0.5) for v in distinct}


def schema_bias(records: Sequence[Record], cue: Record, target: str, value: str, weights: Weights) -> float:
    """beta(y): the weighted PMI of the cue's values with one value of the target, smoothed."""
    with_value = sum(r.get(target) == value for r in records)
    beta = 0.0
    for name, seen in cue.items():
        having = sum(name in r for r in records)
        same = sum(r.get(name) == seen for r in records)
        if same:
            together = sum(r.get(name) == seen and r.get(target) == value for r in records)
            lift = (together / (same / having) + SCHEMA_PSEUDOCOUNT) / (with_value + SCHEMA_PSEUDOCOUNT)
            beta += weights.v.get((target, name), weights.default_v) * math.log(lift)
    return beta


def generalised_values(records: Sequence[Record], cue: Record, target: str, weights: Weights) -> dict[str, float]:
    """P_G of every value of the target, in closed form; the base rates where nothing of the cue was ever seen."""
    m = background(records, target)
    known = {name: v for name, v in cue.items() if any(r.get(name) == v for r in records)}
    if not known:
        return {value: share / sum(m.values()) for value, share in m.items()}
    w = {name: weights.w.get((target, name), weights.default_w) for name in known}
    having = [r for r in records if target in r]
    mass = {}
    for value, share in m.items():
        alike = sum(
            math.exp(sum(w[name] * evidence(records, name, v, r, BROAD) for name, v in known.items()))
            for r in having
            if r[target] == value
        )
        novelty = weights.kappa.get(target, weights.default_kappa) * share
        mass[value] = (novelty + alike / len(having)) * math.exp(schema_bias(records, known, target, value, weights))
    return {value: x / sum(mass.values()) for value, x in mass.items()}


def gate(records: Sequence[Record], cue: Record, target: str) -> float:
    """rho: the match, or less of it where the event that comes to mind lacks the target."""
    shares, match = recollection(records, cue)
    with_target = [(share, target in r) for share, r in zip(shares, records, strict=True)]
    heaviest = {has: max((share for share, own in with_target if own is has), default=0.0) for has in (True, False)}
    return match * (sum(share for share, has in with_target if has) if heaviest[False] > heaviest[True] else 1.0)


def unmet(records: Sequence[Record], target: str) -> float:
    """The chance that another event's value is one that no record has (Good 1953)."""
    having = [r[target] for r in records if target in r]
    return (sum(having.count(v) == 1 for v in set(having)) + 0.5) / (len(having) + 1.0)


def confidences(records: Sequence[Record], cue: Record, target: str, weights: Weights) -> dict[str, float]:
    """rho P_R + (1 - rho) P_G of every stored value, what is left being that of a value never stored."""
    rho, new = gate(records, cue, target), unmet(records, target)
    recalled = recollected_values(records, cue, target)
    general = generalised_values(records, cue, target, weights)
    return {v: rho * recalled.get(v, 0.0) + (1.0 - rho) * (1.0 - new) * general[v] for v in general}


def posterior(records: Sequence[Record], cue: Record, target: str, weights: Weights) -> dict[str, float]:
    """P of every value, given that it is a stored one."""
    found = confidences(records, cue, target, weights)
    return {value: p / sum(found.values()) for value, p in found.items()}


def cue_overlap(records: Sequence[Record], cue: Record) -> float:
    """The evidence for the episode that most comes to mind, as a share of what singles one of N out."""
    levels = [[total(records, cue, r, x) for x in NOISE_LEVELS] for r in records]
    mass = [sum(x.prior * math.exp(s) for x, s in zip(NOISE_LEVELS, row, strict=True)) for row in levels]
    supplied = max(levels[mass.index(max(mass))])
    return min(1.0, max(0.0, supplied) / (math.log(len(records)) + IDENTIFY_MARGIN_NATS))


def plausibility(records: Sequence[Record], cue: Record, answer: Record, weights: Weights) -> float:
    """How typical the answer is by the regularities alone, over all completed fields."""
    typical = []
    for target, value in answer.items():
        general = generalised_values(records, cue, target, weights)
        typical.append(general[value] / max(general.values()))
    return sum(typical) / len(typical)


def value_of_information(
    episodes: Sequence[tuple[str, str, float]], known_m: Mapping[str, float], wanted_m: Mapping[str, float]
) -> float:
    """sum_v max_y J(v, y) - max_y sum_v J(v, y), over (v, y, weight) of every episode."""
    whole = sum(weight for _, _, weight in episodes)
    unmet = 1.0 - sum(known_m.values())
    joint: dict[tuple[str | None, str], float] = {}
    for v in (*known_m, None):
        for y in wanted_m:
            met = sum(weight for a, b, weight in episodes if (a, b) == (v, y)) / whole
            base = (unmet if v is None else known_m[v]) * wanted_m[y]
            joint[v, y] = (1.0 - NOVELTY_MASS) * met + NOVELTY_MASS * base
    after = sum(max(joint[v, y] for y in wanted_m) for v in (*known_m, None))
    return after - max(sum(joint[v, y] for v in (*known_m, None)) for y in wanted_m)


def coherence(records: Sequence[Record], cue: Record) -> float:
    """Nats per cue field by which the cue's values occur together more often than apart, pair by pair."""
    nats = 0.0
    for f, g in combinations(cue, 2):
        both = [r for r in records if f in r and g in r]
        n_f, n_g = sum(r[f] == cue[f] for r in both), sum(r[g] == cue[g] for r in both)
        together = sum(r[f] == cue[f] and r[g] == cue[g] for r in both)
        nats += math.log((together + 1) / (n_f * n_g / max(1, len(both)) + 1))
    return nats / len(cue) if len(cue) > 1 else 0.0
