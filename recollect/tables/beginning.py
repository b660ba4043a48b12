"""Where a table begins: below the title, the account's number and the remarks that programs write above it.

Such lines have few cells and the table has many. So its header is the first line that has most of a row's cells, and
names in them, no numbers. A line that begins with # is a remark, save one as wide as the rows, which names them. Right
above a header may stand the names of groups of columns: they count only where the names of the columns come twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from recollect.model import Rejection
from recollect.tables.dates import weigh_date
from recollect.tables.numbers import is_spelt_as_number
from recollect.tables.rows import Row

SAMPLE_ROWS = 200
_MOST_ABOVE = 40  # records above a header
_REMARK = "#"
_FEWEST_FOR_GROUPS = 4
_YEARS = range(1900, 2101)
_MOST_NUMBERS = 1 / 3  # of a header's cells, years aside


@dataclass(frozen=True, slots=True)
class Beginning:
    """How many records stand above the header; `groups` are the cells of the one that names groups of columns."""

    above: int = 0
    groups: tuple[str, ...] = ()


def find_beginning(rows: Sequence[Row]) -> Beginning:
    """Where the table begins whose first records these are."""
    cells = [[] if isinstance(row.cells, Rejection) else row.cells for row in rows[:SAMPLE_ROWS]]
    above = _remarks(cells) or _titles(rows, cells)
    if not above:
        return Beginning()
    is_adjacent = rows[above].line == rows[above - 1].line + rows[above - 1].line_count
    return Beginning(above, tuple(cells[above - 1]) if is_adjacent and _known(cells[above - 1]) > 1 else ())


def _remarks(cells: Sequence[list[str]]) -> int:
    """How many lines of remarks there are above a header."""
    count = next((place for place, row in enumerate(cells) if not (row and row[0].startswith(_REMARK))), 0)
    if not count:
        return 0
    is_named = names_columns(cells[count])
    is_header = cells[count - 1][0].strip()[1:2].strip() or not is_named  # "#chrom" names a column, "# made today" none
    if is_header and len(cells[count - 1]) == len(cells[count]) > 1:
        return count - 1
    return count if is_named else 0


def _titles(rows: Sequence[Row], cells: Sequence[list[str]]) -> int:
    """How many lines with few cells stand above a header."""
    known = [_known(row) for row in cells]
    usual = max((count for count, often in Counter(known).items() if often > 1), default=max(known, default=0))
    if not cells or not cells[0] or known[0] * 2 > usual:
        return int(_are_groups(cells))
    place = next((place for place, count in enumerate(known[: _MOST_ABOVE + 1]) if count * 2 > usual), 0)
    if not place or place + 1 >= len(rows) or not names_columns(cells[place]):
        return 0
    if cells[0][-1].strip() and len(cells[0]) >= len(cells[place]):  # no title reaches the last column
        return 0
    # Of two columns one cell is half: then only a blank line sets a title apart.
    is_apart = rows[place].line > rows[place - 1].line + rows[place - 1].line_count
    return place if usual > 2 or is_apart else 0


def _are_groups(cells: Sequence[list[str]]) -> bool:
    """Whether the first record names groups and the second what is in them: it has texts where the first has blanks."""
    if len(cells) < _FEWEST_FOR_GROUPS:
        return False
    first, second, *rest = cells
    blank = [place for place, cell in enumerate(first) if place and not cell.strip()]
    if not blank or len(first) != len(second) or any(_is_number(cell.strip()) for cell in second if cell.strip()):
        return False
    numbers = [sum(place < len(row) and _is_number(row[place].strip()) for row in rest) for place in blank]
    return all(second[place].strip() for place in blank) and max(numbers) * 2 > len(rest)


def names_columns(cells: Sequence[str]) -> bool:
    """Whether these may be the names of columns: hardly a number among them, no date, save years."""
    texts = [text for cell in cells if (text := cell.strip())]
    numbers = sum(_is_number(text) for text in texts)
    return bool(texts) and numbers <= _MOST_NUMBERS * len(texts)


def _is_number(text: str) -> bool:
    if text.isdecimal() and int(text[:9]) in _YEARS:
        return False
    return is_spelt_as_number(text) or weigh_date(text) is not None


def _known(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def with_groups(names: Sequence[str], groups: Sequence[str]) -> list[str]:
    """The names of columns: those that come twice with the name of their group before them, a nameless one by its."""
    counts = Counter(name.strip() for name in names)
    if not groups or (all(names) and max(counts.values()) < 2):
        return list(names)
    found, group = [], ""
    for place, name in enumerate(map(str.strip, names)):
        own = groups[place].strip() if place < len(groups) else ""
        group = own or group
        found.append(f"{group} {name}".strip() if name and counts[name] > 1 else name or own)
    return found
