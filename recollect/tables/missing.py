"""The texts by which people and programs say that a value is not known."""

from __future__ import annotations

from collections.abc import Mapping

# Nothing else is ever meant by these: what spreadsheets, databases and libraries write, and dashes.
SURE = frozenset(
    "#N/A #NA N/A n/a N.A. n.a. NULL null (null) <NA> <null> NaN nan -NaN -nan #NULL! #VALUE! #REF! #DIV/0! #NAME?"  # noqa: SIM905
    " #NUM! \\N - -- --- — – ? ?? ...".split()
)
# These can be values as well: Namibia's code, no allergy, somebody's name.
LIKELY = frozenset(
    "NA na Na None none NONE Null nil NIL . unknown Unknown UNKNOWN missing Missing MISSING n.d. k.A.".split()  # noqa: SIM905
)
# Numbers that stand for none where they lie far from all the others.
SENTINELS = frozenset("-1 -9 -99 -999 -9999 -99999 99 999 9999 99999 999999".split())  # noqa: SIM905
_FAR = 5.0  # times as great as the greatest other number
_RARE = 0.1  # a marker is in fewer of a column's cells than a value that everybody has


def found_markers(cells: Mapping[str, int]) -> dict[str, int]:
    """The markers among a column's cells, and how often each occurs."""
    return {text: cells[text] for text in (SURE | LIKELY) & cells.keys()}


def applied_markers(markers: Mapping[str, int], *, cells: int, empty: int, is_text: bool) -> frozenset[str]:
    """Which of a column's markers mean "not known" though nobody said so.

    The sure ones always. The likely ones where the column holds numbers, times or
    booleans, and among texts where they are rare beside other gaps.
    """
    sure = SURE & markers.keys()
    likely = LIKELY & markers.keys()
    if not is_text:
        return frozenset(sure | likely)
    has_gaps = empty > 0 or bool(sure)
    share = sum(markers[text] for text in likely) / max(cells, 1)
    return frozenset(sure | likely) if has_gaps and share <= _RARE else frozenset(sure)


def likely_sentinels(sentinels: Mapping[str, int], least: float, greatest: float) -> dict[str, int]:
    """Those of a column's sentinels, with their counts, that its other numbers, from least to greatest, leave alone."""
    return {
        text: count
        for text, count in sentinels.items()
        if count > 1
        and least <= greatest
        and (least >= 0 if text[0] == "-" else float(text) > _FAR * max(greatest, 1.0))
    }
