"""`compare`: two tables, two memory spaces, or one of each: what is in one alone, and which cells differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from recollect.cli.client import Client
from recollect.cli.console import EXIT_USAGE, AsJson, Failure, KeyOption, Url, out, print_json, print_table, shown
from recollect.cli.exporting import episodes_of
from recollect.cli.reading import (
    Delimiter,
    Encoding,
    Header,
    HeaderLine,
    Nulls,
    SheetName,
    Types,
    open_sheet,
    reading,
    require_columns,
    write_cells,
)

if TYPE_CHECKING:
    from recollect.cli.sheets import Sheet
    from recollect.service.differences import Comparison
    from recollect.tables import TableOptions

EXIT_DIFFERENT = 7
_SHOWN = 20
_LONGEST = 40

Records = list[tuple[Any, Mapping[str, Any]]]
Side = Annotated[str, typer.Argument(metavar="FILE|SPACE", help="A table in a file, or a memory space.")]


def compare(  # noqa: PLR0913, PLR0917  # a parameter per option
    first: Side,
    second: Side,
    by: Annotated[
        str | None, typer.Option("--by", help="The column that tells which records are the same. (default: the ids)")
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", dir_okay=False, help="Write every cell that differs here, as CSV.")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    null: Nulls = None,
    types: Types = None,
    header: Header = None,
    header_line: HeaderLine = None,
    sheet_name: SheetName = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Tell what two tables or spaces have in common and where they differ; exit code 7 where they do.

    For example: recollect compare orders.csv orders.filled.csv --by order · recollect compare orders.csv orders
    """
    # Here and not above: whoever imports this module need not wait for the mathematics.
    from recollect.service import differences

    options = reading(
        delimiter, encoding, null, types, header=header, header_line=header_line, sheet=sheet_name, as_json=as_json
    )
    sides = [_records(each, by, options, url, key, as_json=as_json) for each in (first, second)]
    found = differences.compare(*sides)
    if by is not None and not found.is_keyed:
        detail = f"Not every record has a '{by}' of its own, so it cannot tell which are the same."
        raise Failure("This column names no records", detail, exit_code=EXIT_USAGE, as_json=as_json)
    if out_file is not None:
        _write(out_file, found, as_json=as_json)
    if as_json:
        print_json({"first": first, "second": second, **asdict(found)})
    else:
        _print(first, second, found)
        if out_file is not None:
            out.print(f"\nEvery cell that differs: {out_file.absolute()}")
    if found.changed or found.only_first or found.only_second:
        raise typer.Exit(EXIT_DIFFERENT)


def _records(
    side: str, by: str | None, options: TableOptions, url: str | None, key: str | None, *, as_json: bool
) -> Records:
    """The records of a file or a space, each with its key."""
    path = Path(side)
    if path.is_file():
        sheet = open_sheet(path, options, as_json=as_json)
        found: Records = list(zip(_ids(sheet), sheet.rows, strict=True))
    elif path.suffix or "/" in side:
        raise Failure("There is no such file", str(path.absolute()), exit_code=EXIT_USAGE, as_json=as_json)
    else:
        with Client(url, key, as_json=as_json) as client:
            found = [(each["id"], each["fields"]) for each in episodes_of(client, side)]
    if by is None:
        return found
    if found and not any(by in fields for _, fields in found):
        known = dict.fromkeys(name for _, fields in found for name in fields)
        require_columns(known, [by], of="file" if path.is_file() else "space", as_json=as_json)
    return [(fields.get(by), fields) for _, fields in found]


def _ids(sheet: Sheet) -> Sequence[str | None]:
    return sheet.ids or [None] * len(sheet.rows)


def _write(path: Path, found: Comparison, *, as_json: bool) -> None:
    rows = ([_cell(each.key), each.field, _cell(each.first), _cell(each.second)] for each in found.differences)
    try:
        write_cells(path, ("record", "field", "first", "second"), rows)
    except OSError as fault:
        detail = f"{path.absolute()}: {fault.strerror}"
        raise Failure("The list cannot be written", detail, exit_code=EXIT_USAGE, as_json=as_json) from None


def _print(first: str, second: str, found: Comparison) -> None:
    by = "their keys" if found.is_keyed else "all that they say, as not every one of both has a key of its own"
    out.print(f"Records are matched by {by}.\n")
    rows = [
        ["the same in both", f"{found.same:,}"],
        *([["in both, with other cells", f"{found.changed:,}"]] if found.is_keyed else []),
        [f"only in {first}", f"{len(found.only_first):,}"],
        [f"only in {second}", f"{len(found.only_second):,}"],
    ]
    print_table(["records", "how many>"], rows)
    for side, names in ((first, found.fields_only_first), (second, found.fields_only_second)):
        if names:
            out.print(f"Fields only in {escape(side)}: {escape(', '.join(names))}")
    if not found.differences:
        return
    out.print()
    print_table(["field", "cells that differ>"], [[name, f"{n:,}"] for name, n in found.changed_by_field.items()])
    out.print()
    cells = [
        [_short(each.key), each.field, _short(each.first), _short(each.second)] for each in found.differences[:_SHOWN]
    ]
    print_table(["record", "field", first, second], cells)
    if len(found.differences) > _SHOWN:
        out.print(f"… and {len(found.differences) - _SHOWN:,} more; --out FILE writes them all")


def _cell(value: Any) -> str:
    return "" if value is None else shown(value)


def _short(value: Any) -> str:
    text = _cell(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
