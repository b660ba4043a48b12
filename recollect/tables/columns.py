"""What a column holds, decided by all of its cells and never by one.

A column is of a type when at least 95 % of its known cells are; the others, its
outliers, stay text and are listed. Codes stay text whatever they look like: leading
zeros, version numbers (1.9 and 1.10), exponents without a sign (2E5).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from recollect.model import DateOrder, FieldType
from recollect.tables import booleans, missing
from recollect.tables.dates import IN_EVERY_ORDER, ISO, DateEvidence, is_moment, weigh_date
from recollect.tables.header import clean
from recollect.tables.numbers import MAGNITUDE_WORDS, PLAIN, Written, undress
from recollect.tables.symbols import CURRENCIES

SHARE = 0.95
_SOME = 0.01  # a trait of codes must be in more cells than a slip would put it in
_MAX_WORDS = 64
_FEW_APART = 3  # a pair of truths and one word more
_LONGEST_NUMBER = 64
_SEPARATORS = frozenset(".,")
_DATES_OF_FIGURES = (8, 14)  # 20250314, 20250314101500
_SHORTEST_PHONE = 7
_DIGIT = re.compile("[0-9]")


@dataclass(slots=True)
class ColumnSurvey:
    """Counts of everything that the decision needs; cells go by, blocks at a time."""

    cells: int = 0
    empty: int = 0
    markers: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)  # lower-case truths
    apart: Counter[str] = field(default_factory=Counter)  # texts without a digit, the first few
    plain: int = 0
    styles: Counter[str] = field(default_factory=Counter)  # by which decimal marks numbers read
    units: Counter[str] = field(default_factory=Counter)
    sentinels: Counter[str] = field(default_factory=Counter)  # -999 and such
    least: float = math.inf  # of the numbers that are none of these
    greatest: float = -math.inf
    leading_zero: int = 0
    lengths: set[int] = field(default_factory=set)  # of whole numbers
    bare_exponent: int = 0
    beyond_int64: int = 0
    plus: int = 0
    minus: int = 0
    fractions: Counter[int] = field(default_factory=Counter)  # by length
    trailing_zero: Counter[int] = field(default_factory=Counter)
    zero_led_fraction: int = 0
    separated: int = 0  # numbers whose reading depends on the decimal mark
    magnitudes: Counter[str] = field(default_factory=Counter)  # k, M, bn after numbers, which are counted apart
    scaled: ColumnSurvey | None = None
    dates: Counter[DateOrder] = field(default_factory=Counter)
    any_date: int = 0
    two_ways: int = 0
    marks: Counter[str] = field(default_factory=Counter)
    member: Callable[[str], bool] | None = None  # whether a cell can be the member of an episode that the column names
    fitting_member: int = 0
    is_count: bool = False  # the cells count the rows
    named: frozenset[str] = frozenset()  # what somebody said stands for "not known"

    def observe(self, cells: Mapping[str, int]) -> None:
        """Take the distinct cells of a block into account, each with how often it occurs."""
        for cell, count in cells.items():
            self.cells += count
            text = clean(cell)
            if text and self.member is not None and self.member(text):
                self.fitting_member += count
            if not text:
                self.empty += count
            elif text in missing.SURE or text in missing.LIKELY or text in self.named:
                self.markers[text] += count
            else:
                self._classify(text, count)

    @property
    def marked(self) -> int:
        """Cells that hold one of the usual markers, or one that somebody named."""
        return sum(self.markers.values())

    @property
    def known(self) -> int:
        """Cells that are neither empty nor such a marker."""
        return self.cells - self.empty - self.marked

    @property
    def is_whole(self) -> bool:
        """Whether the known cells that are numbers are digits and nothing else."""
        return self.plain > 0 and not (self.fractions or self.minus or set(self.units) - {""})

    @property
    def has_magnitudes(self) -> bool:
        """Whether letters after numbers stand for thousands and millions: where there are several, words or a currency,
        or k beside bare numbers; and in more cells than a slip would put them or other letters are in (12a, 12k)."""
        if self.scaled is None:
            return False
        count, bare = sum(self.magnitudes.values()), max(self.styles["."], self.styles[","])
        is_sure = len(self.magnitudes) > 1 or not MAGNITUDE_WORDS.isdisjoint(self.magnitudes)
        is_sure = is_sure or not CURRENCIES.isdisjoint(self.scaled.units) or ("k" in self.magnitudes and bare > 0)
        return is_sure and count > max(_SOME * self.known, self.known - bare - count)

    def with_magnitudes(self) -> ColumnSurvey:
        """The numbers with such letters counted among the others, where they are numbers."""
        scaled = self.scaled
        if scaled is None or not self.has_magnitudes:
            return self
        styles, units, minus = self.styles + scaled.styles, self.units + scaled.units, self.minus + scaled.minus
        return replace(self, styles=styles, units=units, minus=minus, separated=self.separated + scaled.separated)

    def _classify(self, text: str, count: int) -> None:
        if text[4:5] == "-" and ISO.fullmatch(text):  # neither a word nor a number; most dates are written so
            if is_moment(text):
                self._count_date(IN_EVERY_ORDER, count)
            return
        word = text.lower()
        if word in booleans.WORDS and len(self.words) <= _MAX_WORDS:
            self.words[word] += count
        if len(text) > _LONGEST_NUMBER or _DIGIT.search(text) is None:
            if text in self.apart or len(self.apart) <= _FEW_APART:
                self.apart[text] += count
            return  # neither a number nor a date
        plain = PLAIN.fullmatch(text)
        if plain is not None:
            self._count_plain(text, plain, count)
            if len(text) not in _DATES_OF_FIGURES:
                return
            found = weigh_date(text)
            if found is not None:
                self._count_date(found, count)
            return
        written = undress(text)
        if written is not None and written.magnitude:
            self.magnitudes[written.magnitude] += count
            self.scaled = self.scaled or ColumnSurvey()
            self.scaled._count_written(written, count)
        elif written is not None:
            self._count_written(written, count)
        found = weigh_date(text)
        if found is not None:
            self._count_date(found, count)

    def _count_plain(self, text: str, found: re.Match[str], count: int) -> None:
        whole, fraction, exponent, sign = found.groups()
        self.plain += count
        if text in missing.SENTINELS:
            self.sentinels[text] += count
        else:
            number = float(text)
            self.least, self.greatest = min(self.least, number), max(self.greatest, number)
        self.plus += count * (text[0] == "+" and len(whole) >= _SHORTEST_PHONE)
        self.minus += count * (text[0] == "-")
        self.leading_zero += count * (whole[0] == "0" and len(whole) > 1)
        self.bare_exponent += count * (exponent == "E" and not sign and fraction is None)
        self.styles["."] += count
        self.units[""] += count
        if fraction is not None and exponent is None:
            self.fractions[len(fraction)] += count
            self.trailing_zero[len(fraction)] += count * (fraction[-1] == "0")
            self.zero_led_fraction += count * (len(fraction) > 1 and fraction[0] == "0")
            self.separated += count
            if len(fraction) == 3 and whole[0] != "0" and len(whole) <= 3:  # a dot that may group thousands
                self.styles[","] += count
        elif exponent is None:
            self.styles[","] += count
            self.lengths.add(len(whole))
            self.beyond_int64 += count * (len(whole) > 18 and not -(2**63) <= int(text) < 2**63)

    def _count_written(self, written: Written, count: int) -> None:
        for mark in written.styles:
            self.styles[mark] += count
        self.units[written.unit] += count
        self.minus += count * written.is_negative
        if not _SEPARATORS.isdisjoint(written.body):
            self.separated += count
        whole = written.body.split(",")[0].split(".")[0]
        self.leading_zero += count * (len(whole) > 1 and whole[0] == "0" and not written.unit)

    def _count_date(self, found: DateEvidence, count: int) -> None:
        self.any_date += count
        for order in found.orders:
            self.dates[order] += count
        self.marks[found.mark] += count
        self.two_ways += count * (found.mark != "" and {DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST} <= found.orders)


@dataclass(frozen=True, slots=True)
class Decision:
    """How a column is read. `kind` None: text, a category or prose as the values will show.

    `is_ambiguous`: the cells would read as well in another order or by another mark.
    """

    kind: FieldType | None = None
    order: DateOrder = DateOrder.YEAR_FIRST
    decimal: str = "."
    unit: str = ""
    has_magnitudes: bool = False
    pair: tuple[frozenset[str], frozenset[str]] | None = None
    is_ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """What the other columns of a table tell of how its author writes."""

    decimal: str | None = None
    order: DateOrder | None = None


def find_habits(surveys: list[ColumnSurvey], delimiter: str) -> Habits:
    """The decimal mark and the order of dates that the clear columns agree on."""
    marks: Counter[str] = Counter()
    orders: Counter[DateOrder] = Counter()
    for survey in surveys:
        point, comma = survey.styles["."], survey.styles[","]
        if survey.separated and point != comma:
            marks["." if point > comma else ","] += 1
        order, is_clear = _order(survey, Habits())
        if is_clear and order is not None:
            orders[order] += 1
    decimal = marks.most_common(1)[0][0] if marks else ("," if delimiter == ";" else None)
    return Habits(decimal, orders.most_common(1)[0][0] if orders else None)


def decide(survey: ColumnSurvey, habits: Habits) -> Decision:
    """The type of a column, by all of its cells."""
    known = survey.known
    if not known:
        return Decision()
    pair = booleans.choose_pair(survey.words) if sum(survey.words.values()) >= SHARE * known else None
    if pair is not None:
        return Decision(FieldType.BOOLEAN, pair=pair)
    if survey.any_date >= SHARE * known:
        return decide_date(survey, habits)
    survey = survey.with_magnitudes()
    if _is_number(survey, known) and not _is_code(survey, known):
        return decide_number(survey, habits)
    return Decision()


def odd_word(survey: ColumnSurvey, habits: Habits) -> dict[str, int]:
    """The one word that recurs, with its count, where a column holds numbers, times or truths but for it."""
    if len(survey.apart) > _FEW_APART:
        return {}
    others = {word: count for word, count in survey.apart.items() if word.lower() not in booleans.WORDS}
    [(word, count), *more] = (others or survey.apart or {"": 0}).items()
    is_one = count > 1 and not more
    return {word: count} if is_one and decide(replace(survey, cells=survey.cells - count), habits).kind else {}


def decide_date(survey: ColumnSurvey, habits: Habits) -> Decision:
    """In which order the dates of a column are read."""
    order, is_clear = _order(survey, habits)
    return Decision(FieldType.TIME, order=order or DateOrder.YEAR_FIRST, is_ambiguous=not is_clear)


def decide_number(survey: ColumnSurvey, habits: Habits) -> Decision:
    """By which mark and unit the numbers of a column are read."""
    point, comma = survey.styles["."], survey.styles[","]
    is_clear = point != comma or not survey.separated
    decimal = "," if comma > point or (not is_clear and habits.decimal == ",") else "."
    return Decision(
        FieldType.NUMBER,
        decimal=decimal,
        unit=_unit(survey),
        has_magnitudes=survey.has_magnitudes,
        is_ambiguous=not is_clear and habits.decimal is None,
    )


def _is_number(survey: ColumnSurvey, known: int) -> bool:
    if len(CURRENCIES & survey.units.keys()) > 1:  # dollars beside euros: without their signs they would be mixed up
        return False
    unit = _unit(survey)
    # Among prices a bare number is a price; among percents and kilograms it is a question.
    alike = survey.units[unit] + (survey.units[""] if unit in CURRENCIES else 0)
    return min(max(survey.styles["."], survey.styles[","]), alike) >= SHARE * known


def _unit(survey: ColumnSurvey) -> str:
    """The unit by which a column's numbers are read, empty where they are bare: a currency, else what most have."""
    currency = next((unit for unit in survey.units if unit in CURRENCIES), None)
    return currency or max(survey.units, key=survey.units.__getitem__, default="")


def _is_code(survey: ColumnSurvey, known: int) -> bool:
    if survey.leading_zero > _SOME * known or survey.bare_exponent > _SOME * known or survey.beyond_int64:
        return True
    if survey.leading_zero and len(survey.lengths) == 1 and survey.plain == known:  # padded to one length: no slip
        return True
    if survey.plus and not survey.minus:  # +46 70 123 45 67
        return True
    # 1.9 and 1.10 are versions: no program writes a number with a last zero beside shorter ones. By hand one might,
    # but then some fraction begins with a zero.
    lengths = [length for length, count in survey.fractions.items() if count]
    longest = max(lengths, default=0)
    return bool(
        len(lengths) > 1
        and any(survey.trailing_zero[length] for length in lengths if length > min(lengths))
        and not survey.zero_led_fraction
        and longest <= 2
    )


def _order(survey: ColumnSurvey, habits: Habits) -> tuple[DateOrder | None, bool]:
    """The order of a column's dates, and whether its cells leave no other."""
    day, month = survey.dates[DateOrder.DAY_FIRST], survey.dates[DateOrder.MONTH_FIRST]
    if not survey.any_date:
        return None, False
    if not any(survey.marks[mark] for mark in survey.marks if mark):
        return DateOrder.YEAR_FIRST, True
    if day != month:
        return (DateOrder.DAY_FIRST if day > month else DateOrder.MONTH_FIRST), True
    if habits.order in {DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST}:
        return habits.order, False
    slashes = survey.marks["/"] >= sum(count for mark, count in survey.marks.items() if mark) / 2
    is_american = slashes and habits.decimal != ","
    return (DateOrder.MONTH_FIRST if is_american else DateOrder.DAY_FIRST), False


def impose(kind: FieldType, order: DateOrder | None, survey: ColumnSurvey, habits: Habits) -> Decision:
    """The decision where somebody set the type; the rest is still found in the cells."""
    if kind is FieldType.NUMBER:
        return decide_number(survey.with_magnitudes(), habits)
    if kind is FieldType.TIME:
        found = decide_date(survey, habits)
        return found if order is None else Decision(kind, order=order)
    if kind is FieldType.BOOLEAN:
        return Decision(kind, pair=booleans.choose_pair(survey.words) or booleans.ANY)
    return Decision(kind)
