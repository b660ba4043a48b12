"""Likeness of a cue to stored episodes, per feature: terms l_j whose weighted sum is the score s_k.

    equal   log 1/m of the value they share             unlike  -1 where they differ
    profile     Bhattacharyya affinity of what both values went with, above that of a missing one
    near    log[e + (1 - e) K / mean K], Laplace kernels on the ranks of a grid, in two widths
    words   cosine of the words, weighted by rarity      age     log(1 + 100 t) and t, t in shares of the span

A name's profile makes two values alike that had the same answers (Bhattacharyya 1943).
"""

from __future__ import annotations

import numpy as np

from engine.generalisation.attention.contingency import kernel
from engine.generalisation.features import Feature
from engine.memory.arrays import SINGLE, Floats, Ints, Singles
from engine.priors import (
    AGE_SCALE,
    AGE_WEIGHTS,
    FAR_APART,
    FIRST_WEIGHTS,
    LIKENESS_WIDTHS,
    OTHER_FIRST_WEIGHT,
    PROFILE_CELLS,
    PROFILE_MIN,
    PROFILE_PSEUDO,
)

AGES = ("log age", "age")

Term = tuple[str, str]  # (feature name, "" for time; kind)


def terms_of(features: list[Feature], *, is_aged: bool) -> list[Term]:
    """Every term that some features offer."""
    terms: list[Term] = []
    for feature in features:
        if feature.tokens is not None:
            kinds = ["words"]
        elif feature.ranks is not None:
            kinds = [*LIKENESS_WIDTHS, "equal"]
        else:
            kinds = ["equal"] + ["unlike"] * (feature.size > 3) + ["profile"] * (feature.size > PROFILE_MIN)
        terms += [(feature.name, kind) for kind in kinds]
    return terms + [("", kind) for kind in AGES] * is_aged


def first_weight(kind: str, gain: float) -> float:
    """The weight a term has before anything is learned, from its feature's share of information."""
    if kind in AGE_WEIGHTS:
        return AGE_WEIGHTS[kind]
    return FIRST_WEIGHTS.get(kind, OTHER_FIRST_WEIGHT) * float(np.clip(2.0 * gain, 0.0, 1.0))


def age(kind: str, time: Floats | float, stored: Floats, span: float) -> Singles:
    """float32: how long before `time` something was; 0 after it."""
    passed = np.nan_to_num(np.maximum(time - stored, 0.0)) / span
    told: Singles = (np.log1p(AGE_SCALE * passed) if kind == "log age" else passed).astype(SINGLE)
    return told


class Likeness:
    """The terms of one feature of names or of a grid, as tables over its codes; missing says nothing."""

    def __init__(self, feature: Feature, codes: Ints, answers: Ints, m: Floats, *, has_profiles: bool = True) -> None:
        self.size = feature.size
        n = np.bincount(codes, minlength=feature.size).astype(np.float64)
        n[0] = 0.0
        self.rarity = np.log((n.sum() + 0.5 * feature.size) / (n + 0.5)).astype(SINGLE)
        self._near = (
            {} if feature.ranks is None else {kind: _band(feature.ranks, n, h) for kind, h in LIKENESS_WIDTHS.items()}
        )
        self._root: Singles | None = None
        if has_profiles and feature.is_name and feature.size > PROFILE_MIN and feature.size * len(m) < PROFILE_CELLS:
            t = np.bincount(codes * len(m) + answers, minlength=feature.size * len(m)).reshape(feature.size, len(m))
            t[0] = 0
            whole = t.sum(axis=1, keepdims=True) + PROFILE_PSEUDO
            self._root = np.sqrt((t + PROFILE_PSEUDO * m) / whole).astype(SINGLE)

    def row(self, kind: str, code: int) -> Singles:
        """float32[V]: a cue's code (-1: a value nobody has) against every stored one."""
        told = np.zeros(self.size, SINGLE)
        if kind == "equal":
            if code > 0:
                told[code] = self.rarity[code]
        elif kind == "unlike":
            told[1:] = -1.0
            if code > 0:
                told[code] = 0.0
        elif kind == "profile":
            if code > 0 and self._root is not None:
                # Roots of shares: nothing here can overflow, though some kernels of BLAS flag it now and then.
                with np.errstate(all="ignore"):
                    told = self._root @ self._root[code]
                told -= told[0]
                told[0] = 0.0
        elif code > 0:
            told = self._near[kind][code]
        return told

    def rows(self, kind: str, asked: Ints, stored: Ints) -> Singles:
        """float32[n, C]: cues' codes int64[n] against stored ones int64[n, C]."""
        one = asked[:, None]
        if kind == "equal":
            shared: Singles = (stored == one) * np.where(one > 0, self.rarity[np.maximum(one, 0)], SINGLE(0))
            return shared
        if kind == "unlike":
            differ: Singles = -((stored != one) & (stored > 0) & (one != 0)).astype(SINGLE)
            return differ
        distinct, place = np.unique(asked, return_inverse=True)
        table = np.stack([self.row(kind, c) if c != 0 else np.zeros(self.size, SINGLE) for c in distinct])
        told: Singles = table.ravel().take((place * self.size)[:, None] + stored)
        return told


class Passages:
    """The words of stored episodes, by word: cosines of sets weighted by rarity."""

    def __init__(self, feature: Feature, tokens: Ints) -> None:
        self.size = len(tokens)
        n = np.bincount(tokens.ravel(), minlength=feature.size).astype(np.float64)
        self._weight = np.log((self.size + 1) / (n + 0.5)).clip(0.0)
        self._weight[0] = 0.0
        self._norm = (np.sqrt((self._weight[tokens] ** 2).sum(axis=1)) + 1e-9).astype(SINGLE)
        row, flat = np.repeat(np.arange(self.size), tokens.shape[1]), tokens.ravel()
        row, flat = row[flat > 0], flat[flat > 0]
        order = np.argsort(flat, kind="stable")
        self._rows, self._start = row[order], np.searchsorted(flat[order], np.arange(feature.size + 1))

    def scores(self, words: Ints) -> Singles:
        """float32[N]: the cosine of a cue's words with every episode's."""
        told, asked = np.zeros(self.size, SINGLE), words[words > 0]
        for word in asked.tolist():
            told[self._rows[self._start[word] : self._start[word + 1]]] += SINGLE(self._weight[word] ** 2)
        whole = SINGLE(np.sqrt((self._weight[asked] ** 2).sum()) + 1e-9)
        told /= self._norm * whole
        return told


def _band(ranks: Floats, n: Floats, width: float) -> Singles:
    near = kernel(ranks, width)
    mean = np.maximum((near * n).sum(axis=1) / max(n.sum(), 1.0), 1e-9)
    told: Singles = np.log(FAR_APART + (1.0 - FAR_APART) * near / mean[:, None]).astype(SINGLE)
    told[0] = told[:, 0] = 0.0
    return told
