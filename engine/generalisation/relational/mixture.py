"""How stored views, novelty, walks and clues weigh against each other: a dozen learned numbers.

    P(y) ~ { [ direct(y) + novelty kappa_R (m(y) + hop walk2(y) + hop3 walk3(y)) ]
             e^{sum_c weight_c clue_c(y)} } ^ sharp

with direct(y) the summed evidence w of the anchors' views whose partner is y. The numbers
minimise the log-loss of views left out one by one, by Fisher scoring: with d the slopes of log mass,

    gradient = sum_views E_p[d] - d(truth)      information = sum_views Cov_p[d]

in the logarithms of the four numbers > 0 and in the weights of the clues, which may be negative.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation.learning import Report
from engine.generalisation.relational.features import CLUES, find_clues
from engine.generalisation.relational.incidences import Ints, Views
from engine.generalisation.relational.interaction import Participation
from engine.generalisation.relational.rates import Affinity
from engine.memory.arrays import Floats

STEPS = 12
LONGEST = 1.0  # of a step, in any number
GAIN = 1e-4  # nats per replay that a step must be worth
PULL = 3.0  # of the fit towards the start, as so many replays' worth of information in each number
NEAR, SILENT = 100, 150  # entities without evidence of their own: the nearest, and some that stand for the rest
FLOOR = 1e-12
Table = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Balance:
    """The numbers: hop, hop3, novelty and sharp > 0; the others weigh the clue of their name."""

    what: float = 0.25
    when: float = 0.25
    hop: float = 1.0
    hop3: float = 0.3
    novelty: float = 1.0
    sharp: float = 1.0
    met: float = 0.0
    met_so: float = 0.0
    busy: float = 0.0
    alike: float = 0.0
    between: float = 0.0
    itself: float = 0.0

    def bracket(self, direct: Floats, base: tuple[Floats, Floats, Floats], kappa: float | Floats) -> Floats:
        """The mass before the schema; `base` is (m, walk2, walk3)."""
        m, two, three = base
        mass: Floats = direct + self.novelty * kappa * (m + self.hop * two + self.hop3 * three)
        return mass

    def schema(self, clues: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The evidence of the clues (`CLUES`, float[clues, E]) in nats, in their own precision."""
        nats: npt.NDArray[Any] = np.array([getattr(self, name) for name in CLUES], dtype=clues.dtype) @ clues
        return nats

    def to_array(self) -> Floats:
        """float64[numbers], in their own order."""
        return np.array(astuple(self))

    @classmethod
    def from_array(cls, array: Floats) -> Balance:
        """Read `to_array`; one that was kept before there were as many clues leaves those out."""
        return cls(*array.tolist())


POSITIVE = ("novelty", "hop", "hop3", "sharp")


def direct_evidence(views: Views, affinity: Affinity, anchor: int, relation: int, slot: int) -> Floats:
    """float64[views of the anchor]: w of each for this relation and time."""
    own = slice(int(views.start[anchor]), int(views.start[anchor + 1]))
    bins = views.bins(np.array(slot), views.slot[own])
    w: Floats = affinity.weight[relation, views.relation[own], bins].astype(np.float64)
    return w


def fit_balance(
    views: Views, people: Participation, affinity: Affinity, replayed: Ints, report: Report
) -> tuple[Balance, float]:
    """The balance and its mean log-loss in nats on some views, none of which was a cue for the affinity."""
    parts = []
    for done, view in enumerate(replayed.tolist()):
        parts.append(_replay(views, people, affinity, view))
        if done % 256 == 0:
            report(0.8 * done / len(replayed))
    replays = _Replays(parts)
    first = _to_point(Balance())
    point, loss = first, replays.loss(Balance())
    for step in range(STEPS):
        before = loss
        point, loss = _descend(replays, point, first, loss)
        report(0.8 + 0.2 * (step + 1) / STEPS)
        if loss > before - GAIN:
            break
    return _to_balance(point), loss


def choose_replays(people: Participation, free: Ints, count: int, seed: int) -> Ints:
    """`count` of the `free` views, evenly over how often their pair met: new and old pairs in their true shares."""
    shuffled = np.random.default_rng(seed).permutation(free)
    order = shuffled[np.argsort(people.familiarity()[shuffled], kind="stable")]
    count = min(count, len(order))
    return np.sort(order[((np.arange(count) + 0.5) * (len(order) / max(count, 1))).astype(np.intp)])


class _Replays:
    """What the posteriors of all replays need: their tables (`_replay`) side by side."""

    def __init__(self, parts: list[Table]) -> None:
        self.sizes = np.array([part.shape[1] for part in parts])
        self.start = np.cumsum(self.sizes) - self.sizes
        table = np.concatenate(parts, axis=1)
        self.direct, self.base, self.kappa = table[0], (table[1], table[2], table[3]), table[4]
        self.stands_for, self.clues = table[5], table[6:]

    def loss(self, balance: Balance) -> float:
        """Mean -log P of the truths, the first candidates of their segments."""
        _, p = self._posterior(balance)
        return float(-np.log(np.maximum(p[self.start], FLOOR)).mean())

    def slopes(self, balance: Balance) -> tuple[Floats, Floats]:
        """(gradient float64[numbers], information float64[numbers, numbers]) of the mean loss."""
        log_mass, p = self._posterior(balance)
        bracket = np.maximum(balance.bracket(self.direct, self.base, self.kappa), FLOOR)
        share = np.float32(balance.sharp * balance.novelty) * self.kappa / bracket
        m, two, three = self.base
        hop, hop3 = np.float32(balance.hop) * two, np.float32(balance.hop3) * three
        logs = np.stack([share * (m + hop + hop3), share * hop, share * hop3, log_mass])
        d = np.concatenate([logs, np.float32(balance.sharp) * self.clues])
        weighted = d * p
        mean = np.add.reduceat(weighted, self.start, axis=1).astype(np.float64)
        gradient = (mean - d[:, self.start]).mean(axis=1)
        information = (weighted @ d.T).astype(np.float64) - mean @ mean.T
        return gradient, information / len(self.start)

    def _posterior(self, balance: Balance) -> tuple[Table, Table]:
        """(log mass, the share of every candidate and of those it stands for), float32[candidates] each."""
        bracket = np.maximum(balance.bracket(self.direct, self.base, self.kappa), FLOOR)
        log_mass: Table = np.float32(balance.sharp) * (np.log(bracket) + balance.schema(self.clues))
        top = np.repeat(np.maximum.reduceat(log_mass, self.start), self.sizes)
        mass = np.exp(log_mass - top) * self.stands_for
        return log_mass, mass / np.repeat(np.add.reduceat(mass, self.start), self.sizes)


def _to_point(balance: Balance) -> Floats:
    """float64[numbers]: where the fit takes its steps."""
    logs = np.log([getattr(balance, name) for name in POSITIVE])
    return np.concatenate([logs, [getattr(balance, name) for name in CLUES]])


def _to_balance(point: Floats) -> Balance:
    positive = zip(POSITIVE, np.exp(point[: len(POSITIVE)]).tolist(), strict=True)
    weights = zip(CLUES, point[len(POSITIVE) :].tolist(), strict=True)
    return Balance(**dict(positive), **dict(weights))


def _descend(replays: _Replays, point: Floats, first: Floats, loss: float) -> tuple[Floats, float]:
    """One step, halved until the loss falls; the same point where it does not."""
    pull = PULL / len(replays.start)
    gradient, information = replays.slopes(_to_balance(point))
    gradient = gradient + pull * (point - first)
    step = -np.linalg.solve(information + pull * np.eye(len(point)), gradient)
    step *= min(1.0, LONGEST / max(float(np.abs(step).max()), FLOOR))
    for _ in range(4):
        trial = replays.loss(_to_balance(point + step))
        if trial < loss:
            return point + step, trial
        step /= 2.0
    return point, loss


def _replay(views: Views, people: Participation, affinity: Affinity, view: int) -> Table:
    """float32[6 + clues, candidates]: what the posterior of one view needs, the view left out, its partner first.

    The rows: direct, m, the walks, kappa, how many entities a candidate stands for, the clues. Of the silent
    entities those nearest by the walk stand for themselves, a sample of the others for all of those.
    """
    anchor, relation, truth, slot = (int(a[view]) for a in (views.anchor, views.relation, views.partner, views.slot))
    low, high = int(views.start[anchor]), int(views.start[anchor + 1])
    w = direct_evidence(views, affinity, anchor, relation, slot)
    w[view - low] = 0.0
    direct = np.bincount(views.partner[low:high], w, minlength=views.entities)
    two, three = people.walk(anchor, truth)
    is_silent = direct == 0.0
    is_silent[truth] = False
    rest = np.flatnonzero(is_silent)
    rest = rest[np.argsort(-two[rest], kind="stable")]
    some = rest[NEAR:][:: max(1, (len(rest) - NEAR) // SILENT)]
    is_silent[truth] = True
    alone = np.concatenate([[truth], np.flatnonzero(~is_silent), rest[:NEAR]])
    at = np.concatenate([alone, some])
    stands_for = np.ones(len(at))
    stands_for[len(alone) :] = max(0, len(rest) - NEAR) / max(len(some), 1)
    rows = [direct, people.background, two, three, np.full(views.entities, affinity.kappa[relation])]
    clues = find_clues(people, anchor, relation, slot, truth)
    return np.concatenate([np.stack(rows)[:, at], stands_for[None], clues[:, at]]).astype(np.float32)
