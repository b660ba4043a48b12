"""Trees of one depth over small codes, whose leaves are vectors, grown one after another by what is left over."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.memory.arrays import Floats, Ints, Singles
from engine.priors import LEAF_PSEUDOCOUNT, LEAST_LEAF, TREE_DEPTH, TREE_PATIENCE, TREE_RATE, TREE_SAMPLE, TREES

NODES, LEAVES = 2**TREE_DEPTH - 1, 2**TREE_DEPTH
NO_SPLIT = np.iinfo(np.int16).max  # a cut that no code is above

Shorts = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Forest:
    """T trees: node i of a tree sends a code above `cuts` int16[T, NODES] of its `features` int16[T, NODES] to
    node 2 i + 2, another to 2 i + 1; `leaves` float32[T, LEAVES, J] add up to `start` float64[J]."""

    start: Floats
    features: Shorts
    cuts: Shorts
    leaves: Singles

    def first(self, trees: int) -> Forest:
        """The first so many of its trees."""
        return Forest(self.start, self.features[:trees], self.cuts[:trees], self.leaves[:trees])

    def predict(self, codes: Ints) -> Floats:
        """float64[n, J] of the codes [n, F] of n episodes. Cost O(n T (TREE_DEPTH + J))."""
        tree, node = np.arange(len(self.features)), np.zeros((len(codes), len(self.features)), dtype=np.intp)
        row = np.arange(len(codes))[:, None]
        for _ in range(TREE_DEPTH):
            above = codes[row, self.features[tree, node]] > self.cuts[tree, node]
            node = 2 * node + 1 + above
        told = np.tile(self.start, (len(codes), 1))
        for t in tree:
            told += self.leaves[t, node[:, t] - NODES]
        return told


@dataclass(frozen=True, slots=True)
class Cases:
    """n episodes: `codes` int[n, F] >= 0, what is to be told of them `truth` float64[n, J]."""

    codes: Ints
    truth: Floats


def grow(
    cases: Cases, weights: Floats, rng: np.random.Generator, trees: int = TREES, asked: Cases | None = None
) -> tuple[Forest, Floats]:
    """(the forest, float64[T + 1, m] the loss of every case asked after none, one, ... of its trees).

    `weights` float64[J] >= 0 of the squared errors. With cases asked
    it stops once TREE_PATIENCE trees made nothing better. Cost O(n (F TREE_DEPTH + J)) a tree.
    """
    start, most = cases.truth.mean(axis=0), max(2, int(cases.codes.max()) + 1)
    left, root = cases.truth - start, np.sqrt(weights)
    features, cuts, leaves, every = [], [], [], np.eye(LEAVES)
    after = None if asked is None else np.tile(start, (len(asked.truth), 1))
    losses = [] if asked is None or after is None else [_losses(after, asked, weights)]
    for place in range(trees):
        rows = np.flatnonzero(rng.random(len(left)) < TREE_SAMPLE)
        direction = root * rng.standard_normal(len(root)) if place % 2 else root
        feature, cut = _grow_one(cases.codes[rows], left[rows] @ direction, most)
        node = _leaf(cases.codes, feature, cut)
        own = node[rows]
        counts = np.bincount(own, minlength=LEAVES) + LEAF_PSEUDOCOUNT
        leaf = (TREE_RATE * (every[own].T @ left[rows]) / counts[:, None]).astype(np.float32)
        left -= leaf[node]
        features.append(feature)
        cuts.append(cut)
        leaves.append(leaf)
        if asked is not None and after is not None:
            after += leaf[_leaf(asked.codes, feature, cut)]
            losses.append(_losses(after, asked, weights))
            means = [float(loss.mean()) for loss in losses[-TREE_PATIENCE - 1 :]]
            if len(means) > TREE_PATIENCE and min(means) >= means[0]:
                break
    shape = (len(features), NODES)
    arrays = np.array(features, np.int16).reshape(shape), np.array(cuts, np.int16).reshape(shape)
    return Forest(start, *arrays, np.array(leaves, np.float32).reshape(-1, LEAVES, len(start))), np.array(losses)


def _losses(told: Floats, asked: Cases, weights: Floats) -> Floats:
    losses: Floats = (told - asked.truth) ** 2 @ weights
    return losses


def _grow_one(codes: Ints, slope: Floats, most: int) -> tuple[Shorts, Shorts]:
    """(features, cuts) int16[NODES] of the tree that explains most of `slope` float64[n], level by level.

    `codes` int[n, F] are below `most`.
    """
    features, cuts = np.zeros(NODES, np.int16), np.full(NODES, NO_SPLIT, np.int16)
    node, fields = np.zeros(len(codes), dtype=np.intp), codes.shape[1]
    cells, slopes = (codes + np.arange(fields) * most).ravel(), np.repeat(slope, fields)
    for level in range(TREE_DEPTH):
        shape, begin = (2**level, fields, most), 2**level - 1
        gain = _gains(cells + np.repeat(node * fields * most, fields), slopes, shape).reshape(2**level, -1)
        best = gain.argmax(axis=1)
        found = np.flatnonzero(gain[np.arange(2**level), best] > 0.0)
        features[begin + found], cuts[begin + found] = np.divmod(best[found], most - 1)
        at = begin + node
        node = 2 * node + (codes[np.arange(len(codes)), features[at]] > cuts[at])
    return features, cuts


def _gains(cells: Ints, slopes: Floats, shape: tuple[int, int, int]) -> Floats:
    """float64[nodes, F, codes - 1]: by how much every cut of every feature lowers the squared error in its node."""
    size = math.prod(shape)
    sums = np.bincount(cells, slopes, size).reshape(shape).cumsum(axis=2)
    counts = np.bincount(cells, minlength=size).reshape(shape).cumsum(axis=2).astype(np.float64)
    total, whole, below, n = sums[..., -1:], counts[..., -1:], sums[..., :-1], counts[..., :-1]
    gain: Floats = below**2 / (n + LEAF_PSEUDOCOUNT) + (total - below) ** 2 / (whole - n + LEAF_PSEUDOCOUNT)
    gain -= total**2 / (whole + LEAF_PSEUDOCOUNT)
    gain[(n < LEAST_LEAF) | (whole - n < LEAST_LEAF)] = 0.0
    return gain


def _leaf(codes: Ints, features: Shorts, cuts: Shorts) -> Ints:
    """The leaf of every episode in one tree."""
    node, row = np.zeros(len(codes), dtype=np.intp), np.arange(len(codes))
    for _ in range(TREE_DEPTH):
        node = 2 * node + 1 + (codes[row, features[node]] > cuts[node])
    leaf: Ints = node - NODES
    return leaf
