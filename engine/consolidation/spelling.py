"""How the values of one field are written, and what a slip of the hand makes of them.

A new value of a field comes out as x with the chance

    q(x) = letters(x) o(x)        o = share of x's capitals, times nu where no other value has x's form

`letters` by the field's own pairs of letters or, on a line, by where its values lie; the form is what is left when
runs of letters and numbers of figures are told alone, such as `9999-99-99`; nu is the chance of a form not met before
(Good & Turing, by Good 1953). Values that are probably wrong count as little as they are right.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise

import numpy as np
from rapidfuzz.distance import OSA, Levenshtein

from engine.memory.arrays import Floats, Ints
from engine.memory.columns import Column
from engine.memory.values import Identity, Value, identity, place, value_kind
from engine.priors import (
    AUDIT_CONSIDERED,
    FAR_OUT,
    FAR_OUT_DECADES,
    FIGURES,
    LETTER_PSEUDOCOUNT,
    MANY_DECIMALS,
    MOST_SHARED,
    POOLED_PAIRS,
    RESOLUTION_SHARE,
    RESOLUTION_TAIL,
)
from engine.recollection.similarity import name_nearness

CASES: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "first": str.capitalize,
}
FACTORS = (10, 100, 1000, 0.1, 0.01, 0.001)
_WORD = re.compile(r"\s*\S+|\s+$")
_FIGURE = re.compile(r"\d")
_RUN = re.compile(r"[^\W\d_]+(?:[ '.-]+[^\W\d_]+)*|\d+")


def changed(value: Value, change: str) -> Value:
    """The value in other capitals (`lower`, `upper`, `title`, `first`) or times a factor (`x0.01`); "" leaves it."""
    if change in CASES:
        return CASES[change](str(value))
    return _scaled(value, float(change[1:])) if change else value  # type: ignore[arg-type]  # only numbers are scaled


def _scaled(value: float, factor: float) -> float:
    found = value / round(1 / factor) if factor < 1 else value * factor
    found = float(f"{found:.15g}")  # 0.3, not 0.30000000000000004
    return int(found) if isinstance(value, int) and found.is_integer() else found


def case_of(text: str) -> str:
    """Which of CASES a text is in, the first that leaves it as it is; `mixed`, or "" where it has no capitals."""
    if text.lower() == text.upper():
        return ""
    return next((name for name, way in CASES.items() if way(text) == text), "mixed")


def form_of(value: Value) -> str:
    """The outline of a value: words as one letter, each run of figures by its length; a number by its decimals."""
    kind = value_kind(value)
    if kind == "number":
        decimals = len(repr(value).partition(".")[2]) if not float(value).is_integer() else 0  # type: ignore[arg-type]
        return f"{kind} {min(decimals, MANY_DECIMALS)}"
    if kind in {"boolean", "list"}:
        return kind
    return f"{kind} {_RUN.sub(lambda run: '9' * len(run[0]) if run[0][0].isdigit() else 'a', str(value))}"


class Letters:
    """Which letter follows which in some texts, and their words; capitals do not count, nor which figure it is."""

    def __init__(self, texts: Collection[str]) -> None:
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.firsts: Counter[str] = Counter()
        for text in texts:
            pairs = _pairs(text)
            self.pairs.update(pairs)
            self.firsts.update(first for first, _ in pairs)
        self._words = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        self._total = max(1, self._words.total())
        self._alphabet = len({letter for _, letter in self.pairs}) + 1

    def word_share(self, word: str) -> float:
        """The share of a word, in small letters and with the blank before it, the one of the text itself aside."""
        return max(0, self._words[word] - 1) / self._total

    def after(self, pair: tuple[str, str], own: int, own_first: int) -> float:
        """The chance of a letter after another, those of the text itself aside."""
        total = self.firsts[pair[0]] - own_first + LETTER_PSEUDOCOUNT * self._alphabet
        met = (max(0, self.pairs[pair] - own) + LETTER_PSEUDOCOUNT) / total
        return 0.5 * (met + 1.0 / self._alphabet)  # half of what is new is like nothing of the table


class Spelling:
    """How one field is written. Void once an episode comes or goes."""

    def __init__(self, column: Column, pool: Letters) -> None:
        self.column, self._pool = column, pool
        self.is_line = column.kind in {"number", "time"}
        self.is_text = column.kind in {"category", "text"}
        self.texts = [str(value) for value in column.values]
        self._forms = [form_of(value) for value in column.values]
        self._cases = [
            case_of(text) if isinstance(value, str) else ""
            for text, value in zip(self.texts, column.values, strict=True)
        ]
        own = Letters(self.texts)
        self._pairs, self._firsts = own.pairs, own.firsts
        self.line = Line(column) if self.is_line else None
        self._near: dict[int, list[int]] = {}
        self._edits: dict[tuple[int, int], tuple[int, str]] = {}
        self._letters: dict[tuple[str, bool], float] = {}
        self.reweigh(column.counts.astype(np.float64))
        self.shared: list[tuple[Column, float]] = []
        self.copies: dict[str, float] = {}

    def reweigh(self, right: Floats) -> None:
        """Count every value, float64[V], by how many of its cells are probably right."""
        self._right = right
        self._of_form, self._of_case = defaultdict[str, float](float), defaultdict[str, float](float)
        for form, case, weight in zip(self._forms, self._cases, right.tolist(), strict=True):
            self._of_form[form] += weight
            self._of_case[case] += weight
        self._total = float(right.sum())
        once = sum(min(weight, 1.0) for weight in self._of_form.values() if 0.0 < weight < 1.5)
        self._unmet = (once + 0.5) / (self._total + 1.0)
        self.first_share = (float(np.minimum(right, 1.0).sum()) + 0.5) / (self._total + 1.0)

    def letters(self, value: Value, code: int | None = None) -> float:
        """The chance of a new value's letters, or of its spot on the line; its own (`code`) do not speak for it."""
        if self.line is not None and value_kind(value) == self.column.kind:
            return 1.0 / self.line.spots
        text = str(value)
        key = text, code is not None
        if key not in self._letters:
            self._letters[key] = self._written(text, is_own=code is not None)
        return self._letters[key]

    def _written(self, text: str, *, is_own: bool) -> float:
        """Word by word: one that other values of the table have, or one made up of letters, as often as not."""
        logs = list(map(math.log, self._pair_chances(text, is_own=is_own)))
        begin, log = 0, logs[-1]
        for word in _WORD.findall(text.lower()):
            letters = sum(logs[begin : begin + len(word)]) - len(_FIGURE.findall(word)) * math.log(FIGURES)
            begin += len(word)
            log += math.log(0.5 * math.exp(letters) + 0.5 * self._pool.word_share(word) + 1e-300)
        return math.exp(log)

    def _pair_chances(self, text: str, *, is_own: bool) -> Iterator[float]:
        """The chance of each letter after the one before, of the field drawn to that of the table."""
        pairs = _pairs(text)
        own, firsts = Counter(pairs), Counter(first for first, _ in pairs)
        for pair in pairs:
            pool = self._pool.after(pair, own[pair], firsts[pair[0]])
            count, total = self._pairs[pair], self._firsts[pair[0]]
            if is_own:
                count, total = count - own[pair], total - firsts[pair[0]]
            yield (count + POOLED_PAIRS * pool) / (total + POOLED_PAIRS)

    def new(self, value: Value, code: int | None, stands_in: Column) -> float:
        """q(x) of a cell that stands in one of the fields, on a line by where its other values lie."""
        chance = self.letters(value, code)
        if self.line is not None and value_kind(value) == self.column.kind:
            weights = self._right.copy()
            if code is not None:
                weights[code] = 0.0
            chance = float(self.line.density(weights, self.line.place(np.array([place(value)])))[0])
        return self.or_shared(value, chance * self.oddness(value, code), stands_in)

    def or_shared(self, value: Value, chance: float, stands_in: Column | None = None) -> float:
        """The chance of a new value, given that of one made up, where some come from the values of other fields.

        The cell itself, where it stands in one of those, does not count.
        """
        made_up = 1.0 - sum(share for _, share in self.shared)
        for there, share in self.shared:
            held = there.find(value)
            count = int(there.counts[held]) - (there is stands_in) if held >= 0 else 0
            chance += share / made_up * count / there.present
        return made_up * chance

    def oddness(self, value: Value, code: int | None = None) -> float:
        """o(x): the share of the field's cells with such capitals, and nu where none has such a form."""
        own = float(self._right[code]) if code is not None else 0.0
        form = self.form_share(form_of(value), code)
        return form * self.case_share(case_of(str(value)) if isinstance(value, str) else "", own)

    def has_form(self, form: str, code: int | None = None) -> bool:
        """Whether a value that is right has this form, the value `code` aside."""
        own = float(self._right[code]) if code is not None and self._forms[code] == form else 0.0
        return self._of_form.get(form, 0.0) - own > 0.5

    def form_share(self, form: str, code: int | None = None) -> float:
        """nu of a form not met before, else 1; on a line, where forms are few, the share that has it."""
        if not self.has_form(form, code):
            return self._unmet
        return max(self._unmet, self._of_form[form] / (self._total + 1.0)) if self.line is not None else 1.0

    def case_share(self, case: str, own: float = 0.0) -> float:
        """The share of the field's cells, `own` of them aside, whose texts have such capitals."""
        if not case:
            return 1.0
        return (self._of_case.get(case, 0.0) - own + 0.5) / (self._total - self._of_case.get("", 0.0) - own + 2.5)

    def near(self, code: int) -> list[int]:
        """The commoner values of the field that are spelt much alike."""
        if self.column.kind != "category" or not isinstance(self.column.values[code], str):
            return []
        if code not in self._near:
            near = name_nearness(self.column, self.texts[code])
            found = np.flatnonzero((near > 0.0) & (self.column.counts > self.column.counts[code]))
            self._near[code] = found[np.argsort(-near[found], kind="stable")][:AUDIT_CONSIDERED].tolist()
        return self._near[code]

    def edits(self, code: int, other: int) -> tuple[int, str]:
        """How many edits make one value of another that is meant, and the letters that they bring in."""
        if (code, other) not in self._edits:
            self._edits[code, other] = edits(self.texts[other], self.texts[code])
        return self._edits[code, other]

    def is_recased(self, code: int, other: int) -> bool:
        """Whether two values differ in their capitals alone."""
        return self.texts[code] != self.texts[other] and self.texts[code].lower() == self.texts[other].lower()

    def recasings(self, code: int) -> list[str]:
        """The changes that give a text other capitals, in which no value of the field stands."""
        value = self.column.values[code]
        if not self._cases[code] or not isinstance(value, str):
            return []
        ways = {way(value): name for name, way in reversed(list(CASES.items()))}
        return [name for text, name in ways.items() if text != value and self.column.find(text) < 0]


def spellings_of(columns: Mapping[str, Column]) -> dict[str, Spelling]:
    """How every field is written, and what share of its cells has a value of each other field."""
    pool = Letters({str(value) for column in columns.values() for value in column.values})
    found = {name: Spelling(column, pool) for name, column in columns.items()}
    values = {name: {identity(value) for value in column.values} for name, column in columns.items()}
    said = _said(columns)
    for name, column in columns.items():
        is_new = (column.codes >= 0) & (column.counts[column.codes] == 1)
        new = [identity(column.values[code]) for code in column.codes[is_new].tolist()]
        met = {home: sum(key in held for key in new) for home, held in values.items() if home != name}
        total = max(len(new) + 1.0, sum(met.values()) / MOST_SHARED)
        found[name].shared = [(columns[home], count / total) for home, count in met.items() if count]
        same = {home: int((said[name][is_new] == each[is_new]).sum()) for home, each in said.items() if home != name}
        found[name].copies = {home: count / (len(new) + 1.0) for home, count in same.items() if count}
    return found


def _said(columns: Mapping[str, Column]) -> dict[str, Ints]:
    """Per field, int64[N]: one number for every value of the table, whatever its field; for none another in each."""
    numbers: dict[Identity, int] = {}
    said: dict[str, Ints] = {}
    for at, (name, column) in enumerate(columns.items(), 1):
        of_code = [numbers.setdefault(identity(value), len(numbers)) for value in column.values]
        said[name] = np.array([*of_code, -at], dtype=np.int64)[column.codes]
    return said


class Line:
    """Where the numbers or times of a field lie: u = asinh(v / s) for numbers, which makes another unit a step."""

    def __init__(self, column: Column) -> None:
        live = np.where(column.counts > 0, column.numbers, np.nan)
        known = live[~np.isnan(live)]
        self.is_number = column.kind == "number"
        self._scale = max(float(np.median(np.abs(known[known != 0.0]))) / 10.0, 1e-12) if (known != 0.0).any() else 1.0
        self._at = self.place(live)
        self._is_known = ~np.isnan(live)
        self.span = max(_range(self._at[self._is_known]), 1e-9)
        gaps = np.diff(np.unique(known))
        places = _range(known) / max(float(gaps.min()), 1e-12) if len(gaps) else 0.0
        self.spots = 2.0 + min(places, float(len(gaps)))  # readings are heaped: few of the places are ever taken
        further = FAR_OUT_DECADES * math.log(10.0) / self.span if self.is_number else FAR_OUT_DECADES
        self.anywhere = 1.0 / (1.0 + further) / self.spots  # the share of a spot, were nothing known of where it is

    def place(self, values: Floats) -> Floats:
        """u of every number."""
        return np.arcsinh(values / self._scale) if self.is_number else values / 86_400.0

    def density(self, weights: Floats, at: Floats) -> Floats:
        """The share of a spot at each place, float64[K], by the values' weights, float64[V]."""
        weights = np.where(self._is_known, weights, 0.0)
        total = float(weights.sum())
        if total <= 0.0:
            return np.full(len(at), self.anywhere)
        shares, places = weights / total, np.where(self._is_known, self._at, 0.0)
        mean = float(shares @ places)
        spread = math.sqrt(max(0.0, float(shares @ (places - mean) ** 2)))
        width = max(1.06 * spread * float(shares @ shares) ** 0.2, RESOLUTION_SHARE * self.span)
        near = np.exp(-0.5 * ((at[:, None] - places) / width) ** 2) @ shares / (width * math.sqrt(2.0 * math.pi))
        found: Floats = (1.0 - FAR_OUT) * near * self.span / self.spots + FAR_OUT * self.anywhere
        return found

    def units(self, value: Value) -> list[str]:
        """The changes that give a number in another unit."""
        is_number = self.is_number and value_kind(value) == "number" and value
        return [f"x{factor:g}" for factor in FACTORS] if is_number else []


def _range(values: Floats) -> float:
    low, high = np.quantile(values, (RESOLUTION_TAIL, 1.0 - RESOLUTION_TAIL)) if len(values) else (0.0, 0.0)
    return float(high - low)


def edits(meant: str, written: str) -> tuple[int, str]:
    """The edits from one text to another, and the letters that they bring in; two letters swapped are one edit."""
    steps = Levenshtein.editops(meant, written)
    letters = "".join(written[step.dest_pos] for step in steps if step.tag != "delete")
    swaps = len(steps) - OSA.distance(meant, written)
    return len(steps) - swaps, letters[2 * swaps :]


def _pairs(text: str) -> list[tuple[str, str]]:
    return list(pairwise(f"\x02{_FIGURE.sub('0', text.lower())}\x03"))
