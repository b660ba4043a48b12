"""Features: what of an episode can be evidence about another of its fields, as small codes.

A field gives one feature (its value; numbers and times on a grid of at most FEATURE_BINS cells), a time
also its month, weekday and hour, prose and lists the set of their words or elements, two fields
that share their values whether they are equal, and a field that episodes often lack whether it
is there. Code 0 is missing, -1 in a cue a value that no episode has.

What is learned of a code is kept under its `key`, a hash of the value, so that it finds its value
again however the codes are numbered by then, and nothing of an erased value can be read from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

import numpy as np

from engine.memory.arrays import Floats, Ints, Keys
from engine.memory.columns import MISSING, Column
from engine.memory.traces import Traces
from engine.memory.values import DAY_S, HOUR_S, Value, identity, place, words
from engine.priors import (
    FEATURE_BINS,
    HARDLY_REPEATS,
    MOSTLY,
    OFTEN_LACKING,
    SHARED_MIN,
    SHARED_SHARE,
    TOKEN_MAX_SHARE,
    TOKEN_MIN,
    TOKENS,
    TOKENS_TOLD,
    VALUES_TOLD,
)
from engine.recollection.similarity import read_as


def key(name: str, value: object) -> int:
    """A 64-bit hash of one value of a feature; values of different JSON types differ."""
    return int.from_bytes(blake2b(json.dumps([name, value]).encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True)
class Feature:
    """One feature over N episodes: `codes` int64[N] in 0..size-1, 0 = missing.

    `part` says how a cue is read. `ranks` float64[size]: mid-ranks in (0, 1) of a grid's cells.
    `tokens` int64[N, W]: the words of each episode, 0 = none; then `codes` is 1 where it has prose.
    """

    name: str
    part: str
    sources: tuple[str, ...]
    codes: Ints
    size: int
    meanings: Callable[[int], object] = field(repr=False)
    ranks: Floats | None = field(default=None, repr=False)
    tokens: Ints | None = field(default=None, repr=False)

    @property
    def is_name(self) -> bool:
        """Codes without an order: neither a grid nor words."""
        return self.ranks is None and self.tokens is None

    @cached_property
    def keys(self) -> Keys:
        """uint64[size]: what each code is called in what was learned."""
        return np.array([0] + [key(self.name, self.meanings(c)) for c in range(1, self.size)], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class CodedCues:
    """Cues as feature codes: `codes` int64[n, F], per words feature its `tokens` int64[n, W], `times` float64[n]."""

    codes: Ints
    tokens: Mapping[int, Ints]
    times: Floats

    def take(self, rows: Ints | slice) -> CodedCues:
        """Some of the cues."""
        return CodedCues(self.codes[rows], {j: t[rows] for j, t in self.tokens.items()}, self.times[rows])


class FeatureSpace:
    """The features of a space's first `rows` episodes. `grids` maps a number or time field to its cell edges."""

    def __init__(self, traces: Traces, rows: int, grids: Mapping[str, Floats]) -> None:
        self.rows, self.columns, self.grids = rows, dict(traces.columns), grids
        self.all: list[Feature] = []
        self.pairs: list[tuple[str, str]] = []
        self._words: dict[str, dict[object, int]] = {}
        for name in sorted(self.columns):
            self._add(name, self.columns[name])
        self._add_absence()
        self._add_equality()
        self.clock = _clock(self.columns, rows)
        if self.clock is not None:
            column = self.columns[self.clock]
            codes = column.codes[:rows]
            self.times = np.where(codes == MISSING, np.nan, column.numbers[codes])
        else:
            self.times = traces.times[:rows]
        self.is_timed = (
            bool(rows)
            and float(np.isfinite(self.times).mean()) > MOSTLY
            and np.nanmin(self.times) < np.nanmax(self.times)
        )
        self.end = float(np.nanmax(self.times)) if self.is_timed else 0.0

    def stored(self, rows: Ints) -> CodedCues:
        """Episodes as cues."""
        codes = np.stack([f.codes[rows] for f in self.all], axis=1)
        tokens = {j: f.tokens[rows] for j, f in enumerate(self.all) if f.tokens is not None}
        return CodedCues(codes, tokens, self.times[rows].copy())

    def encode(self, cue: Mapping[str, Value], target: str) -> CodedCues:
        """One cue asked for `target`.

        A cue that lacks a field which every episode has is a part of an event: then a gap says nothing.
        """
        is_part = any(name not in cue for name in self._always if name != target)
        codes = np.zeros((1, len(self.all)), dtype=np.int64)
        tokens = {}
        for j, feature in enumerate(self.all):
            first = feature.sources[0]
            if feature.part == "absent":
                codes[0, j] = 0 if is_part or first == target else 1 + (first in cue)
            elif all(name in cue for name in feature.sources):
                codes[0, j] = self._read(feature, cue)
            if feature.tokens is not None:
                known = self._words[feature.name]
                found = [known[w] for w in _tokens(cue[first], feature.part) if w in known] if first in cue else []
                tokens[j] = np.array([sorted(found)[-TOKENS_TOLD:] or [0]], dtype=np.int64)
        moment = self.end if self.clock is None else place(cue[self.clock]) if self.clock in cue else np.nan
        return CodedCues(codes, tokens, np.array([moment]))

    def _read(self, feature: Feature, cue: Mapping[str, Value]) -> int:
        """The code of one feature of a cue that has its fields."""
        value = cue[feature.sources[0]]
        if feature.part == "value":
            return read_name(self.columns[feature.sources[0]], value, feature.size)
        if feature.part == "line":
            return int(_cells(self.grids[feature.name], np.array([place(value)]))[0])
        if feature.part == "equal":
            return 1 + (identity(value) == identity(cue[feature.sources[1]]))
        if feature.tokens is not None:
            return 1
        return int(_calendar(feature.part, np.array([place(value)]))[0])

    def _add(self, name: str, column: Column) -> None:
        codes, kind = column.codes[: self.rows].astype(np.int64), column.kind
        if kind in ("number", "time"):
            if name in self.grids:
                self._add_line(name, codes, column)
        elif kind in ("text", "list"):
            self._add_words(name, codes, column, "word" if kind == "text" else "element")
        elif 1 < column.distinct <= max(VALUES_TOLD, HARDLY_REPEATS * column.present):
            self.all.append(
                Feature(name, "value", (name,), codes + 1, column.distinct + 1, lambda c: column.values[c - 1])
            )

    def _add_line(self, name: str, codes: Ints, column: Column) -> None:
        places = np.where(codes == MISSING, np.nan, column.numbers[codes])
        cells = _cells(self.grids[name], places)
        size = len(self.grids[name]) + 2
        counts = np.bincount(cells, minlength=size).astype(np.float64)
        counts[0] = 0.0
        ranks = (np.cumsum(counts) - 0.5 * counts) / max(1.0, counts.sum())
        self.all.append(Feature(name, "line", (name,), cells, size, int, ranks))
        if column.kind != "time":
            return
        for part, parts in (("month", 12), ("weekday", 7), ("hour", 24)):
            told = _calendar(part, places)
            if len(np.unique(told[told > 0])) > 1:
                self.all.append(Feature(f"{name} {part}", part, (name,), told, parts + 1, int))

    def _add_words(self, name: str, codes: Ints, column: Column, unit: str) -> None:
        index = column.postings(unit)
        counts = column.counts
        held = {item: index.codes(item) for item in index.items()}
        often = {item: int(counts[found].sum()) for item, found in held.items()}
        most = TOKEN_MAX_SHARE * column.present
        kept = sorted((w for w, n in often.items() if TOKEN_MIN <= n <= most), key=lambda w: (-often[w], str(w)))[
            :TOKENS
        ]
        if not kept:
            return
        known = self._words[name] = {item: place + 1 for place, item in enumerate(kept)}
        told: list[list[int]] = [[] for _ in column.values]
        for item, token in known.items():
            for code in held[item].tolist():
                told[code].append(token)
        table = np.zeros((column.distinct + 1, TOKENS_TOLD), dtype=np.int64)
        for code, found in enumerate(told):
            rarest = found[-TOKENS_TOLD:]
            table[code, : len(rarest)] = rarest
        width = max(1, int((table > 0).sum(axis=1).max()))
        tokens = np.where((codes == MISSING)[:, None], 0, table[codes, :width])
        meaning = [None, *kept]
        there = (codes != MISSING).astype(np.int64)
        self.all.append(Feature(name, unit, (name,), there, len(kept) + 1, lambda c: meaning[c], tokens=tokens))

    def _add_absence(self) -> None:
        there = {name: self.columns[name].codes[: self.rows] != MISSING for name in sorted(self.columns)}
        share = {name: float(found.mean()) if self.rows else 0.0 for name, found in there.items()}
        self._always = [name for name, s in share.items() if s >= OFTEN_LACKING[1]]
        for name, s in share.items():
            if self._always and OFTEN_LACKING[0] < s < OFTEN_LACKING[1]:
                self.all.append(Feature(f"?{name}", "absent", (name,), 1 + there[name], 3, int))

    def _add_equality(self) -> None:
        """Whether two fields that share their values are equal; `pairs` lists them."""
        names = [f for f in self.all if f.part == "value" and f.size > 4]
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                to = self.translation(one.name, other.name)
                if (to > 0).sum() < max(SHARED_MIN, SHARED_SHARE * min(one.size, other.size)):
                    continue
                self.pairs.append((one.name, other.name))
                both = (one.codes > 0) & (other.codes > 0)
                same = np.where(both, 1 + (to[one.codes] == other.codes), 0)
                self.all.append(Feature(f"{one.name}={other.name}", "equal", (one.name, other.name), same, 3, int))

    def translation(self, one: str, other: str) -> Ints:
        """int64[size of `one`]: the code that each of its values has in `other`, 0 where none."""
        find = self.columns[other].find
        return np.array([0] + [find(value) + 1 for value in self.columns[one].values], dtype=np.int64)


def read_name(column: Column, value: Value, size: int) -> int:
    """1 + the code of a cue's name, or of the one it stands for; -1 where no episode has either."""
    code = column.find(value)
    if code == MISSING and isinstance(value, str) and column.distinct:
        code = read_as(column, value)
    return code + 1 if 0 <= code < size - 1 else -1


def grids_of(traces: Traces) -> dict[str, Floats]:
    """Per number or time field the edges between its cells, ascending."""
    grids = {}
    for name, column in traces.columns.items():
        if column.kind not in ("number", "time"):
            continue
        places = column.numbers[column.codes[column.codes != MISSING]]
        places = places[np.isfinite(places)]
        values = np.unique(places)
        if len(values) < 2:
            continue
        if len(values) <= VALUES_TOLD:
            grids[name] = (values[1:] + values[:-1]) / 2
        else:
            grids[name] = np.unique(np.quantile(places, np.linspace(0, 1, FEATURE_BINS + 1)[1:-1]))
    return grids


def _cells(edges: Floats, places: Floats) -> Ints:
    """1 + the cell of each place on the grid, 0 where it is unknown."""
    cells: Ints = np.where(np.isnan(places), 0, 1 + np.searchsorted(edges, places, side="right")).astype(np.int64)
    return cells


def _calendar(part: str, moments: Floats) -> Ints:
    """1 + the month, the day of the week, or the hour of each moment (UTC); 0 where it is unknown."""
    known = np.isfinite(moments)
    seconds = np.where(known, moments, 0.0)
    days = np.floor(seconds / DAY_S).astype(np.int64)
    if part == "month":
        told = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    elif part == "weekday":
        told = (days + 3) % 7
    else:
        told = np.floor((seconds - days * DAY_S) / HOUR_S).astype(np.int64)
    return np.where(known, 1 + told, 0)


def _tokens(value: Value, unit: str) -> list[object]:
    if unit == "element":
        return [identity(item) for item in (value if isinstance(value, list) else [value])]
    texts = value if isinstance(value, list) else [value]
    return list(words(" ".join(text for text in texts if isinstance(text, str))))


def _clock(columns: Mapping[str, Column], rows: int) -> str | None:
    """The time field that most episodes have, if nearly all of them do."""
    timed = {name: c.present for name, c in columns.items() if c.kind == "time"}
    best = min(timed, key=lambda name: (-timed[name], name), default=None)
    return best if best is not None and timed[best] > MOSTLY * rows else None
