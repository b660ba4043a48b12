"""Why an answer came out as it did: what each part of the cue did to its log-odds, and what would change it.

Let v(S) be the log-odds that a field is the value answered, given the parts S of the cue alone: a completion of
its own for every S. What all parts did together, v(all) - v(none), is shared among them by `engine.answer.shares`;
v(none) is the base rate. Of up to EXACT_PARTS parts by Shapley's value. Of up to GROUPED_PARTS those that speak for the
same episodes are grouped, and the shares are exact given the groups. Of more, phi is the mean over ORDERS orders in
which the parts are learned, each with its reverse: the shares add up to the same sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine.answer import shares
from engine.answer.completion import Answer, FieldAnswer
from engine.answer.decision import is_answer
from engine.answer.posterior import CueInput, Posterior, further_evidence
from engine.memory.arrays import Floats, Rows
from engine.memory.values import Value
from engine.priors import EXACT_PARTS, GROUPED_PARTS, ORDERS

CERTAIN = 1e-12  # log-odds are told of probabilities no nearer to 0 or 1 than this
MOST_EPISODES = 64  # of a counterfactual

VECTOR, CONTEXT = "partial_embedding", "temporal_context"


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one part of the cue did to the log-odds of the answer, in nats; its odds ratio is e^nats."""

    part: str
    nats: float


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What the answer would be without some parts of the cue, or without some stored episodes, int[n] rows."""

    without: tuple[str, ...]
    rows: tuple[int, ...]
    value: Value
    confidence: float


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why one field: `base` + the sum of the contributions = `log_odds` of the answer, in nats.

    `method` is exact, grouped (then `groups` are the parts that share what they did together) or sampled. The
    counterfactuals are the smallest that were looked for and found.
    """

    base: float
    log_odds: float
    contributions: tuple[Contribution, ...]
    method: str
    groups: tuple[tuple[str, ...], ...] = ()
    without_parts: Counterfactual | None = None
    without_episodes: Counterfactual | None = None


def log_odds(p: float) -> float:
    """log p / (1 - p), p kept within CERTAIN of 0 and 1."""
    p = min(1.0 - CERTAIN, max(CERTAIN, p))
    return math.log(p / (1.0 - p))


def subsets_asked(parts: int) -> int:
    """How many completions it takes to tell what each of so many parts contributed, at the most."""
    if parts <= EXACT_PARTS:
        return 1 << parts
    return _grouped_asked(parts) if parts <= GROUPED_PARTS else ORDERS * (parts - 1) + 2


@lru_cache(maxsize=GROUPED_PARTS)
def _grouped_asked(parts: int) -> int:
    return len(shares.asked(shares.grouped(np.zeros((parts, parts)))))


def reasons(
    answer: Answer,
    targets: Sequence[str],
    *,
    with_counterfactuals: bool = False,
    goes_on: Callable[[], bool] = lambda: True,
) -> Mapping[str, Reasons]:
    """The reasons of some of an answer's fields; fewer when `goes_on` says so between two completions.

    Cost: a posterior per subset that is asked for, `subsets_asked`.
    """
    subsets = Subsets(answer, targets, goes_on)
    way = _Way.of(subsets)
    masks = sorted(way.masks)
    if not subsets.fill(masks):
        return {}
    found = {}
    for name in targets:
        v = {mask: log_odds(subsets.confidence(mask, name)) for mask in masks}
        told = zip(subsets.parts, way.share(v), strict=True)
        parts = sorted((Contribution(*each) for each in told), key=lambda each: (-abs(each.nats), each.part))
        found[name] = Reasons(v[0], v[max(masks)], tuple(parts), way.method, way.groups(subsets.parts))
        if with_counterfactuals:
            found[name] = replace(
                found[name],
                without_parts=subsets.without_parts(masks, name),
                without_episodes=_without_episodes(answer, answer.fields[name], goes_on),
            )
    return found


class Subsets:
    """The answer's question asked anew with every subset of its cue's parts; a subset is a mask of bits."""

    def __init__(self, answer: Answer, targets: Sequence[str], goes_on: Callable[[], bool]) -> None:
        whole = answer.posterior
        self._answer, self._goes_on = answer, goes_on
        self._targets = tuple(targets)
        cue = whole.cue
        known = [name for name in sorted(cue.values) if name in whole.traces.columns]
        further = [VECTOR] * (cue.vector is not None and whole.traces.vectors is not None) + [CONTEXT] * bool(cue.times)
        self.parts: tuple[str, ...] = (*known, *further)
        self._found: dict[int, dict[str, tuple[float, int, float]]] = {}

    def fill(self, masks: Sequence[int]) -> bool:
        """Ask for all of these; whether it was gone on to the end."""
        for mask in masks:
            if not self._goes_on():
                return False
            self._found[mask] = self._ask(mask)
        return True

    def alike(self) -> Floats:
        """float64[n, n] in [-1, 1]: how far two parts speak for the same of the episodes that count."""
        whole, rows = self._answer.posterior, self._answer.posterior.rows
        said = [e.alike[e.column.codes[rows]] for e in whole.evidence]
        for part in self.parts[len(said) :]:
            only = CueInput({}, whole.cue.vector if part == VECTOR else None, whole.cue.strength)
            only = replace(only, times=whole.cue.times if part == CONTEXT else ())
            nats = further_evidence(whole.traces, only)
            said.append(np.zeros(len(rows)) if nats is None else nats.nats[rows])
        apart = np.stack(said) - np.mean(said, axis=1, keepdims=True)
        size = np.sqrt((apart**2).sum(axis=1, keepdims=True))
        unit = np.divide(apart, size, out=np.zeros_like(apart), where=size > 0.0)
        found: Floats = unit @ unit.T
        return found

    def confidence(self, mask: int, target: str) -> float:
        """P(the value answered | these parts of the cue)."""
        return self._found[mask][target][0]

    def without_parts(self, masks: Sequence[int], target: str) -> Counterfactual | None:
        """The fewest parts without which the answer is another, of equally many those whose answer is surest."""
        field, all_parts = self._answer.fields[target], (1 << len(self.parts)) - 1
        column = self._answer.posterior.traces.columns[target]
        others = [
            (len(self.parts) - mask.bit_count(), -confidence, mask, code)
            for mask in masks
            for _, code, confidence in (self._found[mask][target],)
            if not is_answer(column, field.code, column.values[code])
        ]
        if not others:
            return None
        _, negative, mask, code = min(others)
        left_out = tuple(part for at, part in enumerate(self.parts) if not mask >> at & 1)
        assert mask != all_parts
        return Counterfactual(left_out, (), column.values[code], -negative)

    def _ask(self, mask: int) -> dict[str, tuple[float, int, float]]:
        """Per target P(the value answered), the answer of this cue, and P(that one)."""
        whole = self._answer.posterior
        kept = {part for at, part in enumerate(self.parts) if mask >> at & 1}
        posterior = whole if len(kept) == len(self.parts) else _posterior(whole, kept, self._targets)
        return {
            name: (
                _confidence(posterior, name, whole.decision(name).same),
                (own := posterior.decision(name)).code,
                _confidence(posterior, name, own.same),
            )
            for name in self._targets
        }


def _posterior(whole: Posterior, kept: set[str], targets: tuple[str, ...]) -> Posterior:
    cue = whole.cue
    part = CueInput(
        {name: value for name, value in cue.values.items() if name in kept or name not in whole.traces.columns},
        cue.vector if VECTOR in kept else None,
        cue.strength,
        cue.times if CONTEXT in kept else (),
    )
    return Posterior(whole.traces, part, replace(whole.options, targets=targets), whole.schema)


def _confidence(posterior: Posterior, target: str, same: Rows) -> float:
    return float(min(1.0, posterior.known(target) * posterior.probabilities(target)[same].sum()))


@dataclass(frozen=True, slots=True)
class _Way:
    """How the shares are told: of all subsets, of parts in groups (`tree`), or of `orders` of the parts."""

    method: str
    masks: Iterable[int]
    tree: shares.Tree = ()
    orders: Sequence[Sequence[int]] = ()

    @classmethod
    def of(cls, subsets: Subsets) -> _Way:
        """That of so many parts."""
        n = len(subsets.parts)
        if n <= EXACT_PARTS:
            return cls("exact", range(1 << n), tuple(range(n)))
        if n <= GROUPED_PARTS:
            tree = shares.grouped(subsets.alike())
            return cls("grouped", shares.asked(tree), tree)
        orders = _orders(n)
        return cls("sampled", {mask for order in orders for mask in _prefixes(order)}, (), orders)

    def share(self, v: Mapping[int, float]) -> list[float]:
        """phi float[n]."""
        return _mean_shares(v, self.orders) if self.orders else shares.shares(v, self.tree)

    def groups(self, parts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The groups by name; none where every part stands by itself."""
        if self.method != "grouped":
            return ()
        return tuple(tuple(parts[part] for part in group) for group in shares.groups(self.tree))


def _orders(n: int) -> list[list[int]]:
    """ORDERS orders of n parts, the same for the same n: shuffled ones, each followed by its reverse."""
    rng = np.random.default_rng(n)
    shuffled = [rng.permutation(n).tolist() for _ in range(ORDERS // 2)]
    return [each for order in shuffled for each in (order, order[::-1])]


def _prefixes(order: Sequence[int]) -> list[int]:
    masks = [0]
    for part in order:
        masks.append(masks[-1] | 1 << part)
    return masks


def _mean_shares(v: Mapping[int, float], orders: Sequence[Sequence[int]]) -> list[float]:
    """phi float[n], the mean over the orders of what each part adds when its turn comes."""
    total = np.zeros(len(orders[0]))
    for order in orders:
        total[order] += np.diff([v[mask] for mask in _prefixes(order)])
    return [float(each) for each in total / len(orders)]


def _without_episodes(answer: Answer, field: FieldAnswer, goes_on: Callable[[], bool]) -> Counterfactual | None:
    """The fewest of the weightiest episodes behind an answer without which it would be another.

    They are really taken out and the question asked anew. A learned head keeps what it has learned of them, so where
    one speaks, nothing is said.
    """
    posterior, name = answer.posterior, field.name
    column = posterior.traces.columns[name]
    if name in posterior.schema.heads:
        return None
    codes = column.codes[posterior.rows]
    own = np.flatnonzero(np.isin(codes, posterior.decision(name).same))
    order = posterior.rows[own[np.argsort(-posterior.row_weights[own], kind="stable")]]

    def other(count: int) -> tuple[Value, float] | None:
        """The answer without the first `count`, if it is another one."""
        twin = posterior.traces.without(order[:count].tolist())
        if name not in twin.columns:
            return None
        anew = Posterior(twin, posterior.cue, replace(posterior.options, targets=(name,)), posterior.schema)
        decision, values = anew.decision(name), twin.columns[name].values
        if is_answer(column, field.code, values[decision.code]):
            return None
        return values[decision.code], _confidence(anew, name, decision.same)

    most = min(len(order), MOST_EPISODES)
    low, high = 0, 1
    while high <= most and goes_on():
        if other(high) is not None:
            break
        low, high = high, high * 2 if high * 2 <= most or high == most else most
    else:
        return None
    while high - low > 1 and goes_on():
        middle = (low + high) // 2
        low, high = (low, middle) if other(middle) is not None else (middle, high)
    told = other(high)
    return None if told is None else Counterfactual((), tuple(order[:high].tolist()), *told)
