"""How a person says what a table's file is like, where it is not found out as meant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from recollect.cli.console import EXIT_USAGE, Failure, err

if TYPE_CHECKING:
    from recollect.cli.sheets import Sheet
    from recollect.tables import TableOptions

_SHOWN_LINES = 10
_PACKED = frozenset((".gz", ".bz2", ".xz", ".zip", ".zst"))

Delimiter = Annotated[str | None, typer.Option("--delimiter", help="What stands between cells. (default: found out)")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="The file's encoding. (default: found out)")]
Nulls = Annotated[
    list[str] | None,
    typer.Option("--null", help="A text that means blank, instead of the usual ones; repeat for more."),
]
Types = Annotated[list[str] | None, typer.Option("--type", help="COLUMN=TYPE, such as zip=category; repeat for more.")]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether the first line names the columns. (default: found out)"),
]
HeaderLine = Annotated[
    int | None,
    typer.Option("--header-line", min=1, help="The line that names the columns, below what is no table. (found out)"),
]
SheetName = Annotated[
    str | None,
    typer.Option("--sheet", help="Of a spreadsheet: a name, or its place from 1. (default: the first that holds any)"),
]
Learn = Annotated[
    bool, typer.Option("--learn", help="Learn the regularities first: slower, and surer where there are any.")
]


def reading(
    delimiter: str | None,
    encoding: str | None,
    null: list[str] | None,
    types: list[str] | None,
    *,
    as_json: bool,
    header: bool | None = None,
    header_line: int | None = None,
    sheet: str | None = None,
) -> TableOptions:
    """The options of a file's reading; raises Failure."""
    # Here and not above: whoever imports this module need not wait for the mathematics;
    # and a command that sends a file to a server need not load what reads tables.
    from recollect.errors import RecollectError
    from recollect.tables import read_options

    try:
        return read_options(
            delimiter=delimiter,
            encoding=encoding,
            missing_values=null,
            types=types or (),
            header=header,
            header_line=header_line,
            sheet=sheet,
        )
    except RecollectError as refusal:
        hints = [f"{each.pointer}: expected {each.expected}" for each in refusal.violations]
        raise Failure(refusal.title, refusal.detail, hints=hints, exit_code=EXIT_USAGE, as_json=as_json) from None


def open_sheet(file: Path, options: TableOptions, *, as_json: bool) -> Sheet:
    """The table in a file; raises Failure."""
    # Here and not above: see reading.
    from recollect.cli.sheets import read_sheet
    from recollect.errors import RecollectError

    try:
        sheet = read_sheet(file, options)
    except RecollectError as refusal:
        title = "The file cannot be read"
        raise Failure(title, f"{file}: {refusal.detail}", exit_code=EXIT_USAGE, as_json=as_json) from None
    except (OSError, ValueError) as fault:
        title = "The file cannot be read"
        why = getattr(fault, "strerror", None) or fault
        raise Failure(title, f"{file.absolute()}: {why}", exit_code=EXIT_USAGE, as_json=as_json) from None
    if not as_json:
        for note in (*sheet.notes, *_unread(sheet)):
            err.print(escape(note))
    return sheet


def require_columns(
    known: Collection[str], named: Iterable[str | None], *, of: str = "file", as_json: bool, what: str = "column"
) -> None:
    """Raise a Failure for a column, or a field, that there is not, with the nearest that there is."""
    unknown: dict[tuple[str, ...], str] = {(name,): name for name in named if name and name not in known}
    if unknown:
        # Here and not above: see reading.
        from recollect.service.fieldnames import meant

        detail = f"{', '.join(unknown.values())}; it has {', '.join(known)}."
        hint = meant(unknown, known).message
        title = f"The {of} has no such {what}"
        raise Failure(title, detail, hints=[hint], exit_code=EXIT_USAGE, as_json=as_json)


def _unread(sheet: Sheet) -> list[str]:
    """Which records could not be read, where there are any."""
    if not sheet.unread:
        return []
    shown = ", ".join(map(str, sheet.unread[:_SHOWN_LINES]))
    more = f" and {len(sheet.unread) - _SHOWN_LINES} more" if len(sheet.unread) > _SHOWN_LINES else ""
    return [
        f"Records that cannot be read are left as they are, {len(sheet.unread):,} of them, on the lines {shown}{more}: "
        "recollect import FILE --preview says why."
    ]


def ending(file: Path) -> str:
    """How the file's name ends: .csv, and .csv.gz where it is packed."""
    is_packed = file.suffix.lower() in _PACKED and len(file.suffixes) > 1
    return "".join(file.suffixes[-2:]) if is_packed else file.suffix


def write_cells(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A small table as CSV."""
    from recollect.tables.writing import write_lines  # here and not above: see reading

    with path.open("w", encoding="utf-8", newline="") as file:
        write_lines(file, chain([columns], rows))
