"""Numbers and times: their distribution by boosted trees, agreed with episodes that the trees never met.

With times the newest episodes are held out, without them some drawn by lot: the trees of the others tell F of them,
and how often they lay below what it said makes the map c of [0, 1] onto itself by which F is told,

    c(p) = ( a p + #{held out: F(y) <= p} ) / ( a + n )    so that intervals hold what they say (Kuleshov 2018)

Between its thresholds F rises as the stored values do. Yet earlier episodes held out decide how many trees there
are, none where they are not clearly better. Half of the episodes are learned from a second time, with fields lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.generalisation import smoothing
from engine.generalisation.boosting import encoding
from engine.generalisation.boosting.encoding import Encoding
from engine.generalisation.boosting.trees import Cases, Forest, grow
from engine.generalisation.distribution import Generalisation, background
from engine.generalisation.features import FeatureSpace, grids_of
from engine.generalisation.learning import Fitted, Parameters, Report, judge
from engine.generalisation.smoothing import line_of
from engine.memory import holdout
from engine.memory.arrays import Floats, Ints, Rows
from engine.memory.traces import Traces
from engine.memory.values import Value
from engine.priors import (
    AGREED_ROWS,
    BOOSTED_LEAST,
    BOOSTED_ROWS,
    BOOSTED_THRESHOLDS,
    HELD_OUT,
    LATE_TREES,
    LEAST_GAIN,
    LOST,
    MAP_POINTS,
    MAP_PSEUDOCOUNT,
    ONE_BLOCK,
    PARTIAL,
    SEED,
    TREES,
)


@dataclass(frozen=True)
class Boosted:
    """What was learned about one target: `at` float64[J] the thresholds, `names` the features read, `edges` of the
    cells of those without an order; `agreed` float64[MAP_POINTS] the map c at even steps."""

    target: str
    names: list[str]
    at: Floats
    edges: Mapping[str, Floats]
    forest: Forest
    agreed: Floats

    def to_arrays(self, place: int) -> dict[str, npt.NDArray[Any]]:
        """Plain arrays under names of this place."""
        kept: dict[str, npt.NDArray[Any]] = {f"edges{place}.{i}": self.edges[n] for i, n in enumerate(self.edges)}
        forest = {k: getattr(self.forest, k) for k in ("start", "features", "cuts")}
        forest |= {"leaves": self.forest.leaves.astype(np.float16), "at": self.at, "agreed": self.agreed}
        return kept | {f"{part}{place}": array for part, array in forest.items()}

    @classmethod
    def from_arrays(cls, header: Mapping[str, Any], place: int, kept: Parameters) -> Boosted:
        """Read `to_arrays`."""
        told = header["targets"][place]
        edges = {name: np.asarray(kept[f"edges{place}.{i}"]) for i, name in enumerate(told["ranked"])}
        start, features, cuts, leaves = (kept[f"{part}{place}"] for part in ("start", "features", "cuts", "leaves"))
        forest = Forest(start, features, cuts, leaves.astype(np.float32))
        at, agreed = kept[f"at{place}"], kept[f"agreed{place}"]
        return cls(told["target"], told["names"], at, edges, forest, agreed)

    def rises(self, codes: Ints) -> Floats:
        """float64[n, J + 2]: F at the `corners`, for codes [n, F]."""
        risen = np.maximum.accumulate(np.clip(self.forest.predict(codes), 0.0, 1.0), axis=1)
        ends = np.pad(risen, ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
        agreed: Floats = np.interp(ends, np.linspace(0.0, 1.0, len(self.agreed)), self.agreed)
        return agreed

    def corners(self, values: Floats, edges: Floats) -> Floats:
        """float64[J + 2]: the ranks of the thresholds, and 0 and 1, among M values ascending with M + 1 edges."""
        known = edges[np.searchsorted(values, self.at, side="right")]
        return np.concatenate([[0.0], known, [1.0]])


class BoostedLearner:
    """For numbers and times."""

    name = "boosted"

    def targets(self, traces: Traces) -> Sequence[str]:
        """The fields of numbers and times that enough episodes have."""
        return [
            name
            for name, column in traces.columns.items()
            if column.kind in ("number", "time") and column.distinct > 1 and column.present >= BOOSTED_LEAST
        ]

    def fit(self, traces: Traces, targets: Sequence[str], report: Report) -> Fitted:
        """Trees per target. Cost O(T N (F + J)) each, T the number of trees, N at most BOOSTED_ROWS."""
        grids = grids_of(traces)
        features = FeatureSpace(traces, traces.size, grids)
        apart = np.zeros(traces.size, dtype=bool)
        apart[holdout.set_apart(traces)] = True
        rest = traces.without(np.flatnonzero(apart).tolist())
        learned, past = [], []
        for place, target in enumerate(sorted(targets)):
            report(place / len(targets))
            fit = _Fit(features, target)
            early, late = fit.rows[~apart[fit.rows]], fit.rows[apart[fit.rows]]
            if target not in rest.columns or len(early) < BOOSTED_LEAST // 2 or not len(late) or not fit.places:
                continue
            trees, stated = fit.crossed(early)
            before = fit.boosted(early, trees)
            past.append(replace(before, agreed=_agreed(stated)))
            if trees and (not fit.is_timed or fit.follow(early, late)):
                stated = np.concatenate([stated, fit.stated(before, early, late)])
            learned.append(replace(fit.boosted(fit.rows, trees), agreed=_agreed(stated)))
        head = self.attach(rest, rest.size, _kept(past, grids))
        losses = judge(head, traces, rest, [each.target for each in past])
        return Fitted(_kept(learned, grids), losses, _kept(past, grids))

    def attach(self, traces: Traces, rows: int, parameters: Parameters) -> BoostedHead:
        """The head over the first `rows` episodes."""
        header = json.loads(parameters["header"].tobytes())
        grids = {name: np.asarray(parameters[f"grid{i}"], np.float64) for i, name in enumerate(header["lines"])}
        all_learned = [Boosted.from_arrays(header, place, parameters) for place in range(len(header["targets"]))]
        return BoostedHead(FeatureSpace(traces, rows, grids), all_learned)


class BoostedHead:
    """Trees over a space's episodes, per target."""

    def __init__(self, features: FeatureSpace, learned: Sequence[Boosted]) -> None:
        self._features, self._columns = features, features.columns
        self._by_target: dict[str, tuple[Boosted, Encoding]] = {}
        by_name = {feature.name: j for j, feature in enumerate(features.all)}
        for each in learned:
            column = features.columns.get(each.target)
            if column is None or any(name not in by_name for name in each.names):
                continue
            rows, numbers = _known(features, each.target)
            if len(rows):
                places = [by_name[name] for name in each.names]
                made = encoding.attach(features, places, each.edges, rows, encoding.ranks_of(numbers[rows]))
                self._by_target[each.target] = each, made

    def infer(self, cue: Mapping[str, Value], target: str) -> Generalisation | None:
        """P_G over the target's values; None when the target was not learned or the cue says nothing."""
        if target not in self._by_target or not self._features.encode(cue, target).codes.any():
            return None
        column = self._columns[target]
        line, p = line_of(column), np.zeros(column.distinct)
        learned, read = self._by_target[target]
        codes = read.read(self._features.encode(cue, target))
        corners = learned.corners(line.values, line.edges)
        p[line.codes] = np.diff(np.interp(line.edges, corners, learned.rises(codes)[0]))
        m, spread = background(column), smoothing.between(column, p)
        beta: Floats = np.log((spread.p + 1e-12) / (m + 1e-12))
        return Generalisation(spread.p, m, m, beta, spread.novel, spread.around)


class _Fit:
    """What the trees of one target are grown from; `rows` are its episodes in order, the latest last."""

    def __init__(self, features: FeatureSpace, target: str) -> None:
        self.features, self.target = features, target
        self.rng = np.random.default_rng(SEED)
        rows, self.numbers = _known(features, target)
        self.is_timed = features.is_timed and target != features.clock
        if self.is_timed:
            rows = rows[np.argsort(np.nan_to_num(features.times[rows], nan=-np.inf), kind="stable")]
        else:
            rows = self.rng.permutation(rows)
        self.rows = rows[-BOOSTED_ROWS:]
        self.places = encoding.readable(features, target)
        self.at, self.weights = _thresholds(self.numbers[self.rows])

    def crossed(self, rows: Rows) -> tuple[int, Floats]:
        """(how many trees are worth growing on so many episodes, float64[n, 2] what so many said of those held out).

        Held out is the last block, or block after block; `stated` tells what is said of an episode.
        """
        cases, who, _ = self._cases(rows)
        order, forests, losses = np.arange(len(rows)), [], []
        is_one = self.is_timed or len(rows) >= ONE_BLOCK
        parts = [order[-(len(rows) // HELD_OUT) :]] if is_one else np.array_split(order, HELD_OUT)
        for part in parts:
            out = np.isin(who, part)
            kept, asked = (Cases(cases.codes[x], cases.truth[x]) for x in (~out, out))
            forest, loss = grow(kept, self.weights, np.random.default_rng(SEED), TREES, asked)
            forests.append((forest, out))
            losses.append(loss)
        longest = max(len(each) for each in losses)
        padded = [np.concatenate([each, np.repeat(each[-1:], longest - len(each), axis=0)]) for each in losses]
        whole = np.concatenate(padded, axis=1)
        best = int(whole.mean(axis=1).argmin())
        gain = whole[0] - whole[best]
        if gain.mean() <= LEAST_GAIN * gain.std() / np.sqrt(len(gain)):
            best = 0
            if not self.is_timed:
                return 0, np.zeros((0, 2))  # the base rates, which are what they are
        numbers, said = self.numbers[rows][who], []
        for forest, out in forests:
            said.append(self._stated(self._made(forest.first(best), {}), cases.codes[out], numbers[~out], numbers[out]))
        return round(best * LATE_TREES), np.concatenate(said)

    def follow(self, early: Rows, late: Rows) -> bool:
        """Whether the late episodes came after the early ones."""
        return float(np.nanmin(self.features.times[late])) >= float(np.nanmax(self.features.times[early]))

    def stated(self, made: Boosted, early: Rows, late: Rows) -> Floats:
        """float64[n, 2]: the share that what was learned of early episodes puts below each late one's number, and
        up to it."""
        late = late[np.linspace(0, len(late) - 1, min(len(late), AGREED_ROWS)).astype(np.intp)]
        read = encoding.attach(self.features, self.places, made.edges, early, encoding.ranks_of(self.numbers[early]))
        return self._stated(made, read.read(self.features.stored(late)), self.numbers[early], self.numbers[late])

    def _stated(self, made: Boosted, codes: Ints, known: Floats, numbers: Floats) -> Floats:
        values, counts = np.unique(known, return_counts=True)
        edges = np.concatenate([[0.0], np.cumsum(counts)]) / len(known)
        ends = np.stack(
            [edges[np.searchsorted(values, numbers, "left")], edges[np.searchsorted(values, numbers, "right")]]
        )
        corners = made.corners(values, edges)
        return np.array([np.interp(of, corners, f) for of, f in zip(ends.T, made.rises(codes), strict=True)])

    def boosted(self, rows: Rows, trees: int) -> Boosted:
        """So many trees of these episodes, told as they say."""
        cases, _, edges = self._cases(rows)
        return self._made(grow(cases, self.weights, np.random.default_rng(SEED), trees)[0], edges)

    def _made(self, forest: Forest, edges: Mapping[str, Floats]) -> Boosted:
        names = [self.features.all[j].name for j in self.places]
        return Boosted(self.target, names, self.at, edges, forest, np.linspace(0.0, 1.0, MAP_POINTS))

    def _cases(self, rows: Rows) -> tuple[Cases, Ints, dict[str, Floats]]:
        """(the episodes, and half of them again with fields lost; which each is; edges of cells)."""
        numbers = self.numbers[rows]
        u = encoding.ranks_of(numbers)
        codes, edges = encoding.ordered(self.features, self.places, rows, u)
        found = [self.features.all[j] for j in self.places]
        again = np.flatnonzero(self.rng.random(len(rows)) < PARTIAL)
        part = codes[again].copy()
        sources = sorted({s for f in found for s in f.sources})
        lost = self.rng.random((len(again), len(sources))) < self.rng.uniform(*LOST, (len(again), 1))
        for j, feature in enumerate(found):
            of = range(len(sources)) if feature.part == "absent" else [sources.index(s) for s in feature.sources]
            part[np.any([lost[:, s] for s in of], axis=0), j] = 0
        truth = (numbers[:, None] <= self.at).astype(np.float64)
        both = Cases(np.concatenate([codes, part]), np.concatenate([truth, truth[again]]))
        return both, np.concatenate([np.arange(len(rows)), again]), edges


def _known(features: FeatureSpace, target: str) -> tuple[Rows, Floats]:
    """(the rows that have the target, float64[N] its numbers, NaN elsewhere)."""
    column = features.columns[target]
    codes = column.codes[: features.rows]
    numbers = np.where(codes >= 0, column.numbers[codes], np.nan)
    return np.flatnonzero(np.isfinite(numbers)), numbers


def _thresholds(numbers: Floats) -> tuple[Floats, Floats]:
    """(at float64[J], weights float64[J]): quantiles, and the score's weights, half by rank and half by value."""
    atoms = np.unique(numbers)
    at = atoms[:-1]
    if len(at) > BOOSTED_THRESHOLDS:
        shares = (np.arange(BOOSTED_THRESHOLDS) + 0.5) / BOOSTED_THRESHOLDS
        at = np.unique(np.quantile(numbers, shares, method="lower"))
        at = at[at < atoms[-1]]
    share = np.searchsorted(np.sort(numbers), at, side="right") / len(numbers)
    deviation = share * (1.0 - share)
    end = max(float(at[-1]), float(np.quantile(numbers, 1.0 - 0.5 / BOOSTED_THRESHOLDS)))
    by_value, by_rank = np.diff(at, append=end), np.diff(share, prepend=0.0)
    if not by_value.sum() > 0.0:
        by_value = by_rank
    weights: Floats = 0.5 * by_value / (by_value @ deviation) + 0.5 * by_rank / (by_rank @ deviation)
    return at, weights


def _agreed(stated: Floats) -> Floats:
    """The map c at even steps, by the shares [n, 2] that F put below each held-out number, and not above it."""
    steps = np.linspace(0.0, 1.0, MAP_POINTS)
    low, high = stated[:, :1], stated[:, 1:]
    below = np.clip((steps - low) / np.maximum(high - low, 1e-9), 0.0, 1.0).sum(axis=0)
    agreed: Floats = (below + MAP_PSEUDOCOUNT * steps) / (len(stated) + MAP_PSEUDOCOUNT)
    agreed[0], agreed[-1] = 0.0, 1.0
    return agreed


def _kept(learned: Sequence[Boosted], grids: Mapping[str, Floats]) -> Parameters:
    """Plain arrays: a JSON header of names, the grids, and per target its trees."""
    targets = [{"target": x.target, "names": x.names, "ranked": list(x.edges)} for x in learned]
    header = {"lines": list(grids), "targets": targets}
    kept: dict[str, npt.NDArray[Any]] = {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
    kept |= {f"grid{i}": grid for i, grid in enumerate(grids.values())}
    for place, each in enumerate(learned):
        kept |= each.to_arrays(place)
    return kept
