"""Kernels over the distinct values of one field: how like the cue's value each of them is.

`nearness` gives c(q | x) in [0, 1] for every distinct value x: the chance, up to a
constant of the cue, that the cue's value q is a distorted x. Values are compared on
their own scale: numbers and times by their distance in ranks and in spacing, names by
the edits between them, prose by the words it shares, lists by elements; texts by what they
mean, too, where a model tells that (`engine.memory.meanings`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from engine.memory.arrays import Floats, Ints, Mask, Rows
from engine.memory.columns import MISSING, Column
from engine.memory.values import DAY_S, Value, folded, identity, is_day, place, plain, trigrams, word_sequence, words
from engine.priors import (
    CONTENDS,
    FOLLOWS,
    FOLLOWS_BY_CHANCE,
    LIKELY,
    MANY_NAMES,
    MEANT_DEVIATIONS,
    MISSPELT,
    MOST_MEANING,
    MOST_RATIO,
    MOST_TYPOS,
    NAME_FLOOR,
    NAMES_COMPARED,
    REREAD,
    SPELLING_MARGIN,
    STEP,
    TYPO_NATS,
    WORD_NOISE,
    WORD_REACH,
)

DICE_STEPS = 1024


def nearness(column: Column, value: Value, width: float) -> tuple[Floats, float]:
    """float64[V] in [0, 1]: c(q | x_v) for the column's values, 1 at q itself; and in the same units, >= 0, what a
    value that is like none of them has: 0 where there is no such thing.

    `width` is the scale of numeric and time kernels as a share of the column's ranks.
    Cost O(V) for numbers, O(postings touched) for strings.
    """
    kind = column.kind
    if kind in ("number", "time"):
        where = place(value)
        if not math.isnan(where):
            inside = _inside(column, where) if kind == "time" and is_day(value) else None
            near = number_nearness(column, where, width) if inside is None else _day_nearness(column, inside, width)
            return near, 0.0
    if kind == "list" or isinstance(value, list):
        return element_nearness(column, value), 0.0
    if isinstance(value, str):
        if kind == "text":
            return prose_nearness(column, value)
        near, of_none = name_nearness(column, value), chance_nearness(value) if kind == "category" else 0.0
        if column.find(value) == MISSING:
            _add_shortened(column, value, near)
        nats = meaning_nats(column, value)
        return (near, of_none) if nats is None else _in_other_words(near, of_none, nats)
    return _indicator(column, value), 0.0


def _inside(column: Column, start: float) -> Mask | None:
    """bool[V]: the moments of the day that starts there; None where the field has days itself, or none of that day."""
    line = number_line(column)
    first, last = np.searchsorted(line.places, (start, start + DAY_S))
    codes = line.codes[first:last]
    if not len(codes) or any(is_day(column.values[code]) for code in codes.tolist()):
        return None
    inside = np.zeros(len(column.values), dtype=bool)
    inside[codes] = True
    return inside


def _day_nearness(column: Column, inside: Mask, width: float) -> Floats:
    """A day means each of its moments alike; others are as near to it as to the nearest of those."""
    ends = column.numbers[inside]
    near = np.maximum(*(number_nearness(column, float(end), width) for end in (ends.min(), ends.max())))
    near[inside] = 1.0
    return near


def number_nearness(column: Column, where: float, width: float) -> Floats:
    """Laplace kernel exp(-d), d the lesser of |u - u'| / width in mid-ranks and of the steps between.

    Ranks make every column's scale alike; steps (one per distinct value, `STEP` each) keep
    the neighbours of a coarse scale, such as 2 and 3 goals, near however common they are.
    """
    line = number_line(column)
    near = np.zeros(len(column.values))
    if len(line.codes):
        near[line.at] = line.near(where, width)
    return near


class NumberLine:
    """A column's live numbers in ascending order: their codes, places, mid-ranks in (0, 1), and steps.

    `at` picks them from an array by code: the codes, or all of it where that is their order.
    """

    def __init__(self, codes: Rows, places: Floats, ranks: Floats, steps: Floats, values: int) -> None:
        self.codes, self.places, self.ranks, self.steps = codes, places, ranks, steps
        is_ordered = len(codes) == values and bool((codes == np.arange(values)).all())
        self.at: Rows | slice = slice(None) if is_ordered else codes
        self._powers: dict[float, tuple[Floats, Floats]] = {}

    def pick(self, by_code: Floats) -> Floats:
        """float64[n, M] of float64[n, V]: what is said of the M numbers, in their order."""
        picked: Floats = by_code if isinstance(self.at, slice) else np.take(by_code, self.at, axis=1)
        return picked

    def near(self, where: float, width: float) -> Floats:
        """float64[M]: `number_nearness` of the M numbers, in their order.

        As e^{-|u - u'|/width} is a product of what hangs on u and on u', and steps count where they are few, there are
        few exponentials.
        """
        here, step = self.locate(where)
        rising, falling = self._powers_of(width)
        split = int(np.searchsorted(self.ranks, here))
        near = np.empty(len(self.ranks))
        if split:
            np.multiply(rising[:split], math.exp(-here / width), out=near[:split])
        if split < len(near):
            np.multiply(falling[split:], math.exp(here / width), out=near[split:])
        # No rank is further than 1 / width from another, in widths.
        first, last = np.searchsorted(self.steps, (step - STEP / width, step + STEP / width))
        by_steps = np.exp(-np.abs(self.steps[first:last] - step) / STEP)
        np.maximum(near[first:last], by_steps, out=near[first:last])
        np.minimum(near, 1.0, out=near)
        return near

    def _powers_of(self, width: float) -> tuple[Floats, Floats]:
        """e^{u/width} and e^{-u/width} of the mid-ranks u."""
        if width not in self._powers:
            scaled = self.ranks / width
            self._powers[width] = np.exp(scaled), np.exp(-scaled)
        return self._powers[width]

    def locate(self, where: float) -> tuple[float, float]:
        """Mid-rank and step of a place, interpolated; beyond the ends both go on by the mean spacing."""
        rank = float(np.interp(where, self.places, self.ranks))
        step = float(np.interp(where, self.places, self.steps))
        span = self.places[-1] - self.places[0]
        beyond = max(self.places[0] - where, where - self.places[-1], 0.0)
        if beyond and span > 0:
            side = 1.0 if where > self.places[-1] else -1.0
            rank += side * beyond / span
            step += side * max(1.0, beyond / span * (len(self.places) - 1))
        return rank, step


def number_line(column: Column) -> NumberLine:
    """The number line of a column; cost O(V log V) once the column has changed."""
    return column.derived("number line", lambda: _number_line(column))


def _number_line(column: Column) -> NumberLine:
    numbers = column.numbers
    live = np.flatnonzero(~np.isnan(numbers) & (column.counts > 0))
    order = live[np.argsort(numbers[live], kind="stable")]
    counts = column.counts[order].astype(np.float64)
    places, first = np.unique(numbers[order], return_index=True)
    step = np.searchsorted(places, numbers[order]).astype(np.float64)
    tie = np.add.reduceat(counts, first) if len(first) else counts
    middle = (np.cumsum(tie) - 0.5 * tie) / max(1.0, float(tie.sum()))
    ranks = middle[step.astype(np.intp)] if len(first) else middle
    return NumberLine(order, numbers[order], ranks, step, len(numbers))


def name_nearness(column: Column, value: str) -> Floats:
    """exp(-TYPO_NATS d), d the edits (insert, delete, replace, swap) between the names; 0 beyond a third of it.

    Trigrams pick the names that may be near; capitals and accents do not count. Cost O(postings touched).
    """
    grams, read = trigrams(value), folded(value)
    near = np.zeros(len(column.values))
    furthest = max(1, len(read) // 3)
    for code in _names_compared(column, grams).tolist():
        edits = OSA.distance(read, column.read(code), score_cutoff=furthest)
        if edits <= furthest:
            near[code] = math.exp(-TYPO_NATS * edits)
    code = column.find(value)
    if code != MISSING:
        near[code] = 1.0
    return near


def _add_shortened(column: Column, value: str, near: Floats) -> None:
    """Let a name that is unknown be as near to those it shortens, or which shorten it, as one typo is: an initial, Tom.

    Among many names those are looked at that share most trigrams. Cost O(V), at most MANY_NAMES.
    """
    read = folded(value)
    codes = range(len(near)) if len(near) <= MANY_NAMES else _names_compared(column, trigrams(value)).tolist()
    for code in codes:
        other = column.read(code)
        if other[:1] == read[:1] and (shortens(read, other) or shortens(other, read)):
            near[code] = max(float(near[code]), math.exp(-TYPO_NATS))


def shortens(short: str, long: str) -> bool:
    """Whether each word is the other's, or some of its letters in their order, the first one among them: T. Berg."""
    words_, others = short.replace(".", " ").split(), long.replace(".", " ").split()
    is_shorter = len(short) < len(long) and len(words_) == len(others) > 0
    return is_shorter and all(map(_is_within, words_, others))


def _is_within(short: str, long: str) -> bool:
    letters = iter(long)
    return short == long or (short.isalpha() and short[0] == long[0] and all(letter in letters for letter in short))


def _names_compared(column: Column, grams: Sequence[str]) -> Rows:
    """The codes of the names that share NAME_FLOOR of their trigrams, of many the NAMES_COMPARED that share most."""
    index = column.postings("trigram")
    (shared, common), sizes = index.shared(grams), index.sizes
    if len(shared) > MANY_NAMES:
        shortest = column.derived("fewest trigrams", lambda: int(sizes.min()))
        codes = _sharing_most(shared, common, sizes, shortest, len(grams))
        shared, sizes = shared[codes], sizes[codes]
    else:
        codes = np.arange(len(shared))
    dice = _dice(shared + common, sizes, len(grams))
    alike = np.flatnonzero(dice >= NAME_FLOOR)
    if len(alike) > NAMES_COMPARED:
        alike = _most_alike(dice, alike)
    return codes[alike]


def _dice(shared: Ints, sizes: Ints, grams: int) -> Floats:
    found: Floats = 2.0 * shared / (grams + sizes.astype(np.float64))
    return found


def _sharing_most(shared: Ints, common: int, sizes: Ints, shortest: int, grams: int) -> Rows:
    """The names among which the NAMES_COMPARED with the highest Dice are, all that are as high included.

    Some that share the most tell how high they are at least, and so how many trigrams one of them must share if it is
    as short as the `shortest` of all.
    """
    reached = np.cumsum(np.bincount(shared)[::-1])
    least = len(reached) - 1 - int(np.searchsorted(reached, NAMES_COMPARED))
    few = np.flatnonzero(shared >= least)
    dice = _dice(shared[few] + common, sizes[few], grams)
    edge = float(np.partition(dice, len(dice) - NAMES_COMPARED)[len(dice) - NAMES_COMPARED])
    fewest = math.ceil(0.5 * edge * (grams + shortest) - common - 1e-9)
    return few if fewest >= least else np.flatnonzero(shared >= fewest)


def _most_alike(dice: Floats, alike: Rows) -> Rows:
    """The NAMES_COMPARED codes with the highest Dice, of equals those met first; ascending.

    A histogram finds about where they end: many names share the same few trigrams, which makes a partition slow.
    """
    steps = (dice[alike] * DICE_STEPS).astype(np.int64)
    reached = np.cumsum(np.bincount(steps)[::-1])
    edge = len(reached) - 1 - int(np.searchsorted(reached, NAMES_COMPARED))
    near = alike[steps >= edge]
    return np.sort(near[np.argsort(-dice[near], kind="stable")[:NAMES_COMPARED]])


# Texts that share less than half of their letters are not offered for one another.
OFFERED = 0.5


def closest(text: str, texts: Iterable[str], count: int) -> list[str]:
    """The texts spelt most like one, the nearest first and at most `count`; none that is quite another."""
    scored = process.extract(
        text, tuple(texts), scorer=OSA.normalized_similarity, processor=folded, score_cutoff=OFFERED, limit=None
    )
    return [found for found, _, _ in sorted(scored, key=lambda each: (-each[1], each[0]))[:count]]


def closest_names(column: Column, text: str, count: int) -> list[str]:
    """The stored names spelt most like a text, the nearest first. Cost O(postings touched)."""
    grams, index = trigrams(text), column.postings("trigram")
    shared = index.overlap(grams)
    dice = 2.0 * shared / (len(grams) + np.asarray(index.sizes, dtype=np.float64))
    alike = np.flatnonzero(dice > 0.0)
    if len(alike) > NAMES_COMPARED:
        alike = alike[np.argsort(-dice[alike], kind="stable")[:NAMES_COMPARED]]
    values = [column.values[code] for code in alike.tolist()]
    return closest(text, (value for value in values if isinstance(value, str)), count)


def meaning_nats(column: Column, text: str) -> Floats | None:
    """float64[V]: log[f_same / f_random] of how near each value lies to the text by meaning; None where no model tells.

        l = min( D z - D^2 / 2, MOST_MEANING )        z = (cos - mu) / sigma, in deviations of random pairs

    the ratio of two normal densities of which that of texts that mean the same lies D = MEANT_DEVIATIONS nearer.
    -inf for what is no text, and for what is no nearer than random pairs are: it is not alike. Cost O(V d), and that of
    encoding the values that came since.
    """
    meanings = column.meanings()
    if meanings is None or not meanings.encoded:
        return None
    code = column.find(text)
    rows = meanings.rows
    own = rows[code] if code != MISSING else meanings.encoder.encode([plain(text)])[0]
    if np.isnan(own[0]):
        return None
    noise = column.noise_of(meanings)
    z = ((rows @ own).astype(np.float64) - noise.mean) / noise.deviation
    nats: Floats = np.minimum(MEANT_DEVIATIONS * z - 0.5 * MEANT_DEVIATIONS**2, MOST_MEANING)
    nats[~(nats > 0.0)] = -np.inf
    return nats


def _in_other_words(near: Floats, of_none: float, nats: Floats) -> tuple[Floats, float]:
    """Nearness by the spelling or by the meaning, and that of none: a name of the cue may be slipped or another's.

    Of a name that no episode has it is told as a share of the nearest and of none.
    """
    is_same = near >= 1.0
    both: Floats = near + of_none * np.exp(nats)
    if is_same.any():
        scale = min(1.0, math.exp(-MOST_MEANING) / of_none)
        return np.where(is_same, near, both * scale), of_none * scale
    whole = float(both.max(initial=0.0)) + of_none
    return both / whole, of_none / whole


def read_as(column: Column, name: str) -> int:
    """The code of the one value that an unknown name misspells or else most likely says in other words, or MISSING.

    Cost O(postings touched), and O(V d) where a model tells what texts mean.
    """
    near = name_nearness(column, name)
    best = np.flatnonzero(near == near.max())
    if len(best) == 1 and near[best[0]] >= MISSPELT:
        return int(best[0])
    nats = meaning_nats(column, name)
    if nats is None:
        return MISSING
    likely, _ = _in_other_words(near, chance_nearness(name), nats)
    return int(likely.argmax()) if likely.max() >= LIKELY else MISSING


def chance_nearness(value: Value) -> float:
    """How near an unknown name lies to a stored one by chance: as far as a third of its letters, at most four edits."""
    length = len(value) if isinstance(value, str) else 0
    return math.exp(-TYPO_NATS * min(MOST_TYPOS, 0.5 + length / 3.0))


def element_nearness(column: Column, value: Value) -> Floats:
    """Share of the cue's elements that a value holds; a list that holds all of them is as near as can be."""
    wanted = list(dict.fromkeys(identity(v) for v in (value if isinstance(value, list) else [value])))
    return column.postings("element").overlap(wanted) / max(1, len(wanted))


def prose_nearness(column: Column, value: str) -> tuple[Floats, float]:
    """Likelihood ratio of a passage given the cue's words, scaled to 1 at the best passage; and that of none.

    log c = sum over words t of log[e + (1-e) 1[t in x] / p_t], p_t the share of passages with
    t: rare words decide. A word that no passage holds stands for the nearest known words.
    """
    index = column.postings("word")
    passages = max(1, len(index.sizes))
    score = np.zeros(passages)
    for word in words(value):
        holders = index.codes(word)
        if not len(holders):
            holders = _misspelt(column, word)
        if not len(holders):
            score += math.log(WORD_NOISE)
            continue
        share = (len(holders) + 0.5) / (passages + 1.0)
        hit = math.log(WORD_NOISE + (1.0 - WORD_NOISE) / share)
        score += math.log(WORD_NOISE)
        score[holders] += hit - math.log(WORD_NOISE)
    near: Floats = np.exp(score - score.max())
    best = np.flatnonzero(near >= CONTENDS)
    if 1 < len(best) <= REREAD:
        score[best] += [_order_nats(value, str(column.values[passage])) for passage in best.tolist()]
    nats = meaning_nats(column, value)
    if nats is not None:
        score = np.logaddexp(score, nats)
    near = np.exp(score - score.max())
    of_none = math.exp(min(MOST_RATIO, -float(score.max())))
    code = column.find(value)
    if code != MISSING:
        near[:] = np.minimum(near, 0.5)
        near[code] = 1.0
    return near, of_none


def _order_nats(fragment: str, passage: str) -> float:
    """Nats for the fragment's being from the passage, by the order of the words that both have."""
    places: dict[str, list[int]] = {}
    for place_, word in enumerate(word_sequence(passage)):
        places.setdefault(word, []).append(place_)
    known = [places[word] for word in word_sequence(fragment) if word in places]
    nats = 0.0
    for first, second in pairwise(known):
        follows = any(0 < b - a <= WORD_REACH for a in first for b in second)
        nats += math.log(FOLLOWS / FOLLOWS_BY_CHANCE if follows else (1.0 - FOLLOWS) / (1.0 - FOLLOWS_BY_CHANCE))
    return nats


def _misspelt(column: Column, word: str) -> np.ndarray:
    """The passages that hold a word close to an unknown one (Dice of trigrams at least one half)."""
    index = column.postings("word")
    vocabulary = column.spelling()
    grams = trigrams(word)
    spelling = vocabulary.postings("trigram")
    dice = 2.0 * spelling.overlap(grams) / (len(grams) + np.asarray(spelling.sizes, dtype=np.float64))
    close = np.flatnonzero(dice >= 0.5)
    if not len(close):
        return np.zeros(0, dtype=np.int32)
    best = close[dice[close] >= dice[close].max() - SPELLING_MARGIN]
    return np.unique(np.concatenate([index.codes(vocabulary.values[c]) for c in best.tolist()]))


def _indicator(column: Column, value: Value) -> Floats:
    near = np.zeros(len(column.values))
    code = column.find(value)
    if code != MISSING:
        near[code] = 1.0
    return near


__all__ = [
    "NumberLine",
    "chance_nearness",
    "name_nearness",
    "nearness",
    "number_line",
    "number_nearness",
    "prose_nearness",
    "read_as",
]
