"""A second, obvious implementation of what docs/mathematics.md defines: every sum written out, no arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from engine.generalisation.closed_form import BROAD
from engine.generalisation.weights import Weights
from engine.priors import DAMAGED_OF, EXCHANGED, IDENTIFY_MARGIN_NATS, NOVELTY_MASS, RANDOM_CUES, SCHEMA_PSEUDOCOUNT
from engine.recollection.evidence import NOISE_LEVELS, NoiseLevel

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


Kernels = Mapping[str, Sequence[float]]


def chance(records: Sequence[Record], name: str, value: str) -> float:
    """g: the chance that a value is one met before, of one that is; else that it is a new one (Good 1953)."""
    having = [r[name] for r in records if name in r]
    new = (sum(having.count(v) == 1 for v in set(having)) + 0.5) / (len(having) + 1.0)
    return 1.0 - new if value in having else new


def share(records: Sequence[Record], name: str, value: str) -> float:
    """m: how common a value is."""
    having = [r[name] for r in records if name in r]
    return (having.count(value) + 0.5) / (len(having) + 0.5 * len(set(having)) + 0.5)


def repeats(records: Sequence[Record], name: str, value: str) -> float:
    """How much less than its share says a value that was met once is met again (Good 1953)."""
    having = [r[name] for r in records if name in r]
    met = [sum(having.count(v) == c for v in set(having)) for c in (1, 2)]
    return min(1.0, (2.0 * met[1] + 0.5) / (met[0] + 0.5)) if having.count(value) == 1 else 1.0


def likelihood(records: Sequence[Record], name: str, value: str, record: Record, level: NoiseLevel) -> float:
    """P(the cue's value | the record), damaged as the reading says, in units of its chance."""
    g, m = chance(records, name, value), share(records, name, value)
    having = [r[name] for r in records if name in r]
    present = len(having) / len(records)
    has = present + (1.0 - present) * level.absent
    if name not in record:
        return level.absent * g / has
    likeness = level.distorted * g / max(having.count(value) / len(having), 0.5 / len(having))
    same = (1.0 - level.distorted) / m + (likeness if level.distorted < 1.0 else 0.0)
    return (level.wrong * g + (1.0 - level.wrong) * (same if record[name] == value else 0.0)) / has


def readings(records: Sequence[Record], cue: Record, record: Record) -> list[float]:
    """P(cue | record) of the three readings: clean, one field damaged (whichever), several."""
    clean, one, several = NOISE_LEVELS
    own = [likelihood(records, name, value, record, clean) for name, value in cue.items()]
    damaged = [likelihood(records, name, value, record, one) for name, value in cue.items()]
    whole = math.prod(own)
    single = sum(whole / a * b for a, b in zip(own, damaged, strict=True)) / DAMAGED_OF
    return [whole, single, math.prod(likelihood(records, n, v, record, several) for n, v in cue.items())]


def strayed(records: Sequence[Record], cue: Record, record: Record, kernels: Kernels) -> float:
    """P(cue | a new event that is like the record): every value is random, or the same."""
    found = 1.0
    for name, value in cue.items():
        random, _, _, same = kernels.get(name, (0.25,) * 4)
        g = chance(records, name, value)
        is_same = record.get(name) == value
        again = same * repeats(records, name, value) / share(records, name, value)
        found *= g if name not in record else random * g + (again if is_same else 0.0)
    return found


def stored_as(records: Sequence[Record], cue: Record) -> tuple[float, list[float]]:
    """(how much of it the clean reading explains, P(cue | record) of every record)."""
    read = [[x.prior * p for x, p in zip(NOISE_LEVELS, readings(records, cue, r), strict=True)] for r in records]
    return sum(own[0] for own in read) / sum(map(sum, read)), [sum(own) for own in read]


def with_exchanges(records: Sequence[Record], cue: Record, masses: list[float]) -> list[float]:
    """P(cue | record) where any two of its values may be the wrong way round."""
    values = {name: {r[name] for r in records if name in r} for name in cue}
    pairs = [
        (a, b) for a, b in combinations(cue, 2) if cue[a] != cue[b] and cue[a] in values[b] and cue[b] in values[a]
    ]
    total = [(1.0 - EXCHANGED) * mass if pairs else mass for mass in masses]
    for a, b in pairs:
        units = EXCHANGED / len(pairs)
        for own, other in ((a, b), (b, a)):
            if cue[own] in values[own]:
                units *= share(records, other, cue[own]) / share(records, own, cue[own])
        turned = stored_as(records, {**cue, a: cue[b], b: cue[a]})[1]
        total = [mass + units * p for mass, p in zip(total, turned, strict=True)]
    return total


def recollection(records: Sequence[Record], cue: Record, kernels: Kernels | None = None) -> tuple[list[float], float]:
    """(r_k of every record, match)."""
    clean, masses = stored_as(records, cue)
    if clean < 0.5:
        masses = with_exchanges(records, cue, masses)
    new = sum(strayed(records, cue, r, kernels or {}) for r in records) / len(records)
    random = math.prod(chance(records, name, value) for name, value in cue.items())
    stored = sum(masses) / len(records)
    match = stored / (stored + (1.0 - RANDOM_CUES) * new + RANDOM_CUES * random)
    return [mass / sum(masses) for mass in masses], match


def fitted_kernels(
    records: Sequence[Record], replays: Sequence[tuple[int, Sequence[str]]], rounds: int, pseudo: float
) -> dict[str, list[float]]:
    """EM of how new events stray: each replayed record, with some of its fields, against all the others."""
    kernels = {name: [0.25] * 4 for r in records for name in r}
    for _ in range(rounds):
        credit = {name: [pseudo] * 4 for name in kernels}
        for place, names in replays:
            others = [r for i, r in enumerate(records) if i != place]
            cue = {name: records[place][name] for name in names}
            like = [strayed(others, cue, r, kernels) for r in others]
            for name, value in cue.items():
                for r, p in zip(others, like, strict=True):
                    if name not in r:
                        continue
                    again = repeats(others, name, value) / share(others, name, value)
                    parts = [chance(others, name, value), 0.0, 0.0, again if r[name] == value else 0.0]
                    each = [part * b for part, b in zip(parts, kernels[name], strict=True)]
                    for kind in range(4):
                        credit[name][kind] += p / sum(like) * each[kind] / sum(each)
        kernels = {name: [own / sum(of) for own in of] for name, of in credit.items()}
    return kernels


def recollected_values(
    records: Sequence[Record], cue: Record, target: str, kernels: Kernels | None = None
) -> dict[str, float]:
    """P_R of every value of the target."""
    weights, _ = recollection(records, cue, kernels)
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


def gate(records: Sequence[Record], cue: Record, target: str, kernels: Kernels | None = None) -> float:
    """rho: the match, or less of it where the event that comes to mind lacks the target."""
    shares, match = recollection(records, cue, kernels)
    with_target = [(share, target in r) for share, r in zip(shares, records, strict=True)]
    heaviest = {has: max((share for share, own in with_target if own is has), default=0.0) for has in (True, False)}
    return match * (sum(share for share, has in with_target if has) if heaviest[False] > heaviest[True] else 1.0)


def unmet(records: Sequence[Record], target: str) -> float:
    """The chance that another event's value is one that no record has (Good 1953)."""
    having = [r[target] for r in records if target in r]
    return (sum(having.count(v) == 1 for v in set(having)) + 0.5) / (len(having) + 1.0)


def confidences(
    records: Sequence[Record], cue: Record, target: str, weights: Weights, kernels: Kernels | None = None
) -> dict[str, float]:
    """rho P_R + (1 - rho) P_G of every stored value, what is left being that of a value never stored."""
    rho, new = gate(records, cue, target, kernels), unmet(records, target)
    recalled = recollected_values(records, cue, target)
    general = generalised_values(records, cue, target, weights)
    return {v: rho * recalled.get(v, 0.0) + (1.0 - rho) * (1.0 - new) * general[v] for v in general}


def posterior(records: Sequence[Record], cue: Record, target: str, weights: Weights) -> dict[str, float]:
    """P of every value, given that it is a stored one."""
    found = confidences(records, cue, target, weights)
    return {value: p / sum(found.values()) for value, p in found.items()}


def cue_overlap(records: Sequence[Record], cue: Record) -> float:
    """The evidence for the episode that most comes to mind, as a share of what singles one of N out."""
    levels = [readings(records, cue, r) for r in records]
    mass = [sum(x.prior * p for x, p in zip(NOISE_LEVELS, row, strict=True)) for row in levels]
    random = math.prod(chance(records, name, value) for name, value in cue.items())
    supplied = math.log(max(levels[mass.index(max(mass))]) / random)
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
