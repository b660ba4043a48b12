"""How a person says what a table's file is like, where it is not found out as meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recollect.cli.console import EXIT_USAGE, Failure
from recollect.errors import RecollectError
from recollect.tables.writing import csv_line

if TYPE_CHECKING:
    from recollect.cli.sheets import Sheet
    from recollect.tables import TableOptions

Delimiter = Annotated[str | None, typer.Option("--delimiter", help="What stands between cells. (default: found out)")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="The file's encoding. (default: found out)")]
Nulls = Annotated[list[str] | None, typer.Option("--null", help="A text that means blank; repeat for more.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="COLUMN=TYPE, such as zip=category; repeat for more.")]


def reading(
    delimiter: str | None, encoding: str | None, null: list[str] | None, types: list[str] | None, *, as_json: bool
) -> TableOptions:
    """The options of a file's reading; raises Failure."""
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.tables import read_options

    try:
        return read_options(delimiter=delimiter, encoding=encoding, missing_values=null, types=types or ())
    except RecollectError as refusal:
        hints = [f"{each.pointer}: expected {each.expected}" for each in refusal.violations]
        raise Failure(refusal.title, refusal.detail, hints=hints, exit_code=EXIT_USAGE, as_json=as_json) from None


def open_sheet(file: Path, options: TableOptions, *, as_json: bool) -> Sheet:
    """The table in a file; raises Failure."""
    # Here and not above: see reading.
    from recollect.cli.sheets import read_sheet

    try:
        return read_sheet(file, options)
    except RecollectError as refusal:
        title = "The file cannot be read"
        raise Failure(title, f"{file}: {refusal.detail}", exit_code=EXIT_USAGE, as_json=as_json) from None
    except (OSError, ValueError) as fault:
        title = "The file cannot be read"
        raise Failure(title, f"{file}: {fault}", exit_code=EXIT_USAGE, as_json=as_json) from None


def write_cells(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A small table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_line(cells) + "\n" for cells in (columns, *rows))
