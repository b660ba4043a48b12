"""How stored views, novelty, walks and schema weigh against each other: six learned numbers.

    P(y) ~ { [ direct(y) + novelty kappa_R (m(y) + hop walk2(y) + hop3 walk3(y)) ]
             e^{what PMI(R, y) + when PMI(t, y)} } ^ sharp

with direct(y) the summed evidence w of the anchors' views whose partner is y. The numbers
minimise the log-loss of views left out one by one, by coordinate steps that only ever go down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.encoding import Floats
from engine.learners.affinity import Affinity
from engine.learners.participation import Participation
from engine.learners.views import Ints, Views
from engine.learning import Report

STEPS = (0.5, 0.25, 0.12)
GAIN = 1e-4  # nats per replay that a step must be worth
SILENT = 250  # entities without any evidence that stand for all of them in a replay
FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Balance:
    """The six numbers, all > 0."""

    what: float = 0.25
    when: float = 0.25
    hop: float = 1.0
    hop3: float = 0.3
    novelty: float = 1.0
    sharp: float = 1.0

    def bracket(self, direct: Floats, base: tuple[Floats, Floats, Floats], kappa: float | Floats) -> Floats:
        """The mass before the schema; `base` is (m, walk2, walk3)."""
        m, two, three = base
        mass: Floats = direct + self.novelty * kappa * (m + self.hop * two + self.hop3 * three)
        return mass

    def schema(self, what: Floats, when: Floats) -> Floats:
        """The schema's evidence in nats."""
        return self.what * what + self.when * when


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
            report(0.6 * done / len(replayed))
    sizes = np.array([part.shape[1] for part in parts])
    table, start = np.concatenate(parts, axis=1), np.cumsum(sizes) - sizes
    best = Balance()
    loss = _loss(table, start, best)
    for place, step in enumerate(STEPS):
        for name in ("novelty", "hop", "hop3", "what", "when", "sharp"):
            for factor in (1.0 + step, 1.0 / (1.0 + step)):
                best, loss = _descend(table, start, best, loss, (name, factor))
        report(0.6 + 0.4 * (place + 1) / len(STEPS))
    return best, loss


def choose_replays(people: Participation, free: Ints, count: int, seed: int) -> Ints:
    """`count` of the `free` views, evenly over how often their pair met: new and old pairs in their true shares."""
    shuffled = np.random.default_rng(seed).permutation(free)
    order = shuffled[np.argsort(people.familiarity()[shuffled], kind="stable")]
    count = min(count, len(order))
    return np.sort(order[((np.arange(count) + 0.5) * (len(order) / max(count, 1))).astype(np.intp)])


def _descend(table: Floats, start: Ints, best: Balance, loss: float, move: tuple[str, float]) -> tuple[Balance, float]:
    """Multiply one number as long as the loss falls by more than GAIN."""
    name, factor = move
    while True:
        trial = replace(best, **{name: getattr(best, name) * factor})
        trial_loss = _loss(table, start, trial)
        if trial_loss >= loss - GAIN:
            return best, loss
        best, loss = trial, trial_loss


def _replay(views: Views, people: Participation, affinity: Affinity, view: int) -> Floats:
    """float64[8, candidates]: what the posterior of one view needs, the view left out, its partner first.

    The last row says how many entities a candidate stands for: the silent ones are sampled.
    """
    anchor, relation, truth = (int(a[view]) for a in (views.anchor, views.relation, views.partner))
    low, high = int(views.start[anchor]), int(views.start[anchor + 1])
    w = direct_evidence(views, affinity, anchor, relation, int(views.slot[view]))
    w[view - low] = 0.0
    direct = np.bincount(views.partner[low:high], w, minlength=views.entities)
    heard = np.flatnonzero(direct)
    heard = np.concatenate([[truth], heard[heard != truth]])
    is_silent = np.ones(views.entities, dtype=bool)
    is_silent[heard] = False
    rest = np.flatnonzero(is_silent)
    some = rest[:: max(1, len(rest) // SILENT)]
    at = np.concatenate([heard, some])
    stands_for = np.concatenate([np.ones(len(heard)), np.full(len(some), len(rest) / max(len(some), 1))])
    schema = (people.what(relation, truth), people.when(int(views.slot[view]), truth))
    rows = [x[at] for x in (direct, people.background, *people.walk(anchor, truth), *schema)]
    return np.stack([*rows, np.full(len(at), affinity.kappa[relation]), stands_for])


def _loss(table: Floats, start: Ints, balance: Balance) -> float:
    """Mean -log P of the truths, the first candidates of their segments."""
    direct, m, two, three, what, when, kappa, stands_for = table
    mass = balance.bracket(direct, (m, two, three), kappa) * np.exp(balance.schema(what, when))
    if balance.sharp != 1.0:
        mass **= balance.sharp
    total = np.add.reduceat(mass * stands_for, start)
    return float(-np.log(np.maximum(mass[start] / total, FLOOR)).mean())
