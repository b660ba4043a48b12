"""Clean tables made dirty in ways that are known, so that what an audit finds can be counted by kind.

`python -m bench.evaluation.dirtying` prints it for samples of four tables.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

import numpy as np

from bench.datasets import DEFAULT_FOLDER, Dataset
from recollect.memory.table import as_traces
from recollect.model import AuditRequest
from recollect.service.examining import audit_traces

Row = dict[str, Any]
Cell = tuple[int, str]
Rng = np.random.Generator
MISSING_TOKENS = ("N/A", "unknown", "-", "?", "null", "TBD", "missing")
FACTORS = (10, 100, 1000, 0.1, 0.01)
TABLES = {
    "clean_hospital": "truth.jsonl",
    "football": "episodes.jsonl",
    "bird_strikes": "episodes.jsonl",
    "febrl4": "episodes.jsonl",
}
KINDS = ("typo", "case", "swap", "shift", "other row", "missing", "unit")


def spoil(
    rows: Sequence[Row], share: float, seed: int, kinds: Sequence[str] = KINDS
) -> tuple[list[Row], dict[Cell, str]]:
    """A copy of the rows of which a `share` of the cells is wrong by each of the kinds, and the kind of each of those.

    A row has one kind of error. A cell that comes out as it was is not wrong.
    """
    rng = np.random.default_rng(seed)
    dirty = [dict(row) for row in rows]
    names = list(dict.fromkeys(name for row in rows for name in row))
    wanted = share * sum(map(len, rows))
    wrong: dict[Cell, str] = {}
    untouched = iter(rng.permutation(len(rows)).tolist())
    for kind in kinds:
        done = 0
        for place in untouched:
            for name, value in _SPOILERS[kind](rng, rows, rows[place], names):
                if value is None:
                    dirty[place].pop(name, None)
                elif value != rows[place].get(name):
                    dirty[place][name] = value
                    wrong[place, name] = kind
                    done += 1
            if done >= wanted:
                break
    return dirty, wrong


def _typo(rng: Rng, _rows: Sequence[Row], row: Row, _names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """One letter more, less or another, or two exchanged, in a text or in the figures of a number."""
    name = _pick(rng, [name for name, value in row.items() if len(_written(value)) > 1])
    if name is None:
        return
    text, at = _written(row[name]), int(rng.integers(len(_written(row[name]))))
    letter = str(rng.choice(list(digits if text[at].isdigit() else ascii_lowercase)))
    way = int(rng.integers(4))
    if way == 3 and at + 1 < len(text):
        text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    else:
        text = text[:at] + ("" if way == 0 else letter) + text[at + (way != 1) :]
    yield name, _as(row[name], text)


def _case(rng: Rng, _rows: Sequence[Row], row: Row, _names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """A text in capitals, in small letters, or with the first letters of words in capitals."""
    texts = {name: value for name, value in row.items() if isinstance(value, str)}
    name = _pick(rng, [name for name, value in texts.items() if value.lower() != value.upper()])
    if name is not None:
        ways = [way for way in (str.upper, str.lower, str.title, str.swapcase) if way(row[name]) != row[name]]
        yield name, ways[int(rng.integers(len(ways)))](row[name])


def _swap(rng: Rng, _rows: Sequence[Row], row: Row, _names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The values of two columns exchanged."""
    if len(row) > 1:
        one, other = (list(row)[i] for i in rng.choice(len(row), 2, replace=False))
        yield one, row[other]
        yield other, row[one]


def _shift(rng: Rng, _rows: Sequence[Row], row: Row, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """From one column on all cells stand one further, or one before, as after a mark too many or too few."""
    begin, step = int(rng.integers(len(names) - 2)), int(rng.choice((-1, 1)))
    for at in range(begin, len(names)):
        source = at - step
        yield names[at], row.get(names[source]) if begin <= source < len(names) else None


def _other_row(rng: Rng, rows: Sequence[Row], row: Row, _names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The value that another row has there."""
    name = _pick(rng, list(row))
    values = [each[name] for each in rows if name in each and each[name] != row[name]] if name is not None else []
    if name is not None and values:
        yield name, values[int(rng.integers(len(values)))]


def _missing(rng: Rng, _rows: Sequence[Row], row: Row, _names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """A word that says that nothing is known."""
    name = _pick(rng, list(row))
    if name is not None:
        yield name, str(rng.choice(MISSING_TOKENS))


def _unit(rng: Rng, _rows: Sequence[Row], row: Row, _names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """A number in another unit."""
    name = _pick(rng, [name for name, value in row.items() if type(value) in {int, float} and value])
    if name is not None:
        value = row[name] * float(rng.choice(FACTORS))
        yield name, int(value) if float(value).is_integer() else round(value, 6)


_SPOILERS: dict[str, Callable[[Rng, Sequence[Row], Row, Sequence[str]], Iterator[tuple[str, Any]]]] = {
    "typo": _typo,
    "case": _case,
    "swap": _swap,
    "shift": _shift,
    "other row": _other_row,
    "missing": _missing,
    "unit": _unit,
}


def _pick(rng: Rng, names: Sequence[str]) -> str | None:
    return names[int(rng.integers(len(names)))] if names else None


def _written(value: Any) -> str:
    return str(value) if type(value) in {str, int, float} else ""


def _as(value: Any, text: str) -> Any:
    """The text as a number where the value was one and it still is."""
    try:
        return text if isinstance(value, str) else type(value)(text)
    except ValueError:
        return text


def main() -> int:
    """Audit samples of clean tables, as they are and with seven kinds of error, and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation.dirtying", description=main.__doc__)
    parser.add_argument("tables", nargs="*", default=list(TABLES), help="default: all")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.006, help="of the cells that are wrong by each kind")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DEFAULT_FOLDER, help="the folder with the evaluation data")
    arguments = parser.parse_args()
    print("table | clean cells accused | precision | recall | F1 | " + " | ".join(KINDS))
    for name in arguments.tables:
        rows = [_fields(record) for record in Dataset(arguments.data / name).rows(TABLES[name])]
        order = np.random.default_rng(arguments.seed).permutation(len(rows))[: arguments.rows]
        print(_line(name, [rows[at] for at in order.tolist()], arguments.share, arguments.seed), flush=True)
    return 0


def _line(name: str, rows: Sequence[Row], share: float, seed: int) -> str:
    clean = audit_traces(as_traces(rows), AuditRequest(), lambda _: None)
    dirty, wrong = spoil(rows, share, seed)
    found = audit_traces(as_traces(dirty), AuditRequest(), lambda _: None)
    accused = {(each.row, each.field) for each in found.suspects}
    hits = len(accused & wrong.keys())
    precision, recall = hits / max(1, len(accused)), hits / max(1, len(wrong))
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    told = [f"{len(clean.suspects) / clean.cells:.4f}", *(f"{each:.3f}" for each in (precision, recall, f1))]
    for kind in KINDS:
        cells = [cell for cell, each in wrong.items() if each == kind]
        told.append(f"{sum(cell in accused for cell in cells)}/{len(cells)}")
    return " | ".join([name, *told])


def _fields(record: Row) -> Row:
    return {name: value for name, value in record.items() if name not in {"id", "split"}}


if __name__ == "__main__":
    sys.exit(main())
