"""`fill`: a file with gaps in, the same file with the gaps filled out, and what to trust beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from recollect.cli.client import Client
from recollect.cli.console import (
    EXIT_NO_EVIDENCE,
    EXIT_USAGE,
    AsJson,
    Failure,
    KeyOption,
    Url,
    err,
    out,
    percent,
    print_json,
    print_table,
)
from recollect.cli.learning import learn_first
from recollect.cli.piping import DASH, make_folder, received, send
from recollect.cli.reading import (
    Delimiter,
    Encoding,
    Header,
    HeaderLine,
    Learn,
    Nulls,
    SheetName,
    Types,
    ending,
    open_sheet,
    reading,
    require_columns,
    write_cells,
)
from recollect.errors import InvalidRequest, RecollectError

if TYPE_CHECKING:
    from rich.console import Console

    from recollect.cli.sheets import Sheet

_ROWS_AT_ONCE, _CALLS_AT_ONCE = 200, 2  # by request; a server has two workers unless told otherwise
_CELLS = ("line", "field", "value", "confidence", "source", "episodes", "filled", "low", "high", "mass")
_KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "delimited text"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), "a spreadsheet"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "JSON"),
    **dict.fromkeys((".parquet", ".feather", ".arrow"), "a table of columns"),
}
_PICKED_ON = 1000  # rows a server picks a threshold on

Json = dict[str, Any]
Report = Callable[[int], None]


def fill(  # noqa: PLR0913, PLR0917  # a parameter per option
    file: Annotated[
        Path,
        typer.Argument(help="CSV, Excel, JSON, Parquet, … also packed; - is the input."),
    ],
    space: Annotated[
        str | None,
        typer.Option("--space", "-s", help="Fill from this memory space. (default: from the file's own rows)"),
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", "-t", help="A column to fill; repeat for more. (default: all)")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0, max=1, help="Leave blank what is less sure. (default: 0)")
    ] = None,
    target_accuracy: Annotated[
        float | None,
        typer.Option("--target-accuracy", min=0, max=1, help="Pick the threshold so that this share is right."),
    ] = None,
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", dir_okay=False, help="The file to write, - for the output. (default: NAME.filled.…)"
        ),
    ] = None,
    cells_out: Annotated[
        Path | None,
        typer.Option("--cells", dir_okay=False, help="Where to list each cell. (default: NAME.filled.cells.csv)"),
    ] = None,
    notes: Annotated[
        bool, typer.Option("--notes", help="Add a confidence and a source column beside each filled one.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes at work without a space. (default: a core each)")
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    null: Nulls = None,
    types: Types = None,
    learn: Learn = False,
    header: Header = None,
    header_line: HeaderLine = None,
    sheet_name: SheetName = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Fill the gaps of a table and say how sure each filled cell is.

    For example: recollect fill orders.csv --target-accuracy .95 · recollect fill - < orders.csv > filled.csv
    """
    if threshold is not None and target_accuracy is not None:
        raise Failure("One of --threshold and --target-accuracy", exit_code=EXIT_USAGE, as_json=as_json)
    read = reading(
        delimiter, encoding, null, types, header=header, header_line=header_line, sheet=sheet_name, as_json=as_json
    )
    is_piped = DASH in {file, out_file} and out_file in {DASH, None}
    if is_piped and as_json:
        raise Failure("The table and --json cannot both be the output", exit_code=EXIT_USAGE, as_json=as_json)
    file = received(file)
    sheet = open_sheet(file, read, as_json=as_json)
    blanks = _blanks(sheet, target, as_json=as_json)
    home = make_folder() / f"filled{ending(file)}" if is_piped else None
    written = home or out_file or file.with_name(f"{file.name.removesuffix(ending(file))}.filled{ending(file)}")
    cells_file = cells_out or written.with_name(f"{written.name.removesuffix(ending(written))}.cells.csv")
    _require_same_kind(file, written, as_json=as_json)
    _require_free(file, written, cells_file, force=force, as_json=as_json)
    request: Json = {"threshold": threshold or 0.0, "target_accuracy": target_accuracy}
    if blanks:
        with _progress(visible=not as_json) as progress:
            task = progress.add_task("filling", total=len(blanks))
            report: Report = lambda done: progress.advance(task, done)  # noqa: E731
            if space is None:
                found = _alone(sheet, blanks, request, workers, learn, progress, report, as_json=as_json)
            else:
                with Client(url, key, as_json=as_json) as client:
                    if learn:
                        progress.stop()
                        learn_first(client, space, as_json=as_json)
                        progress.start()
                    found = _by_space(client, space, sheet, blanks, request, report)
    else:
        found = {"cells": [], "threshold": request["threshold"], "held_out": None, "cue_notes": []}
    _write(sheet, found, written, cells_file, notes=notes)
    if is_piped:
        send(written)
    _tell(
        sheet,
        blanks,
        found,
        None if is_piped else written,
        cells_file if cells_out or not is_piped else None,
        as_json=as_json,
    )
    if blanks and not any(cell["filled"] for cell in found["cells"]):
        raise typer.Exit(EXIT_NO_EVIDENCE)


def _blanks(sheet: Sheet, target: list[str] | None, *, as_json: bool) -> list[tuple[int, tuple[str, ...]]]:
    """The rows with blanks, and which cells of them to fill."""
    require_columns(sheet.columns, target or (), as_json=as_json)
    wanted = target or sheet.columns
    found = [(place, tuple(name for name in wanted if name not in row)) for place, row in enumerate(sheet.rows)]
    return [(place, names) for place, names in found if names]


def _require_same_kind(file: Path, written: Path, *, as_json: bool) -> None:
    """A table is written back in its own format, so a name that says another would be wrong."""
    kinds = [_KINDS.get(path.suffix.lower()) for path in (file, written)]
    if None not in kinds and kinds[0] != kinds[1]:
        detail = f"{file.name} is {kinds[0]} and would be written as that, but {written.name} is named as {kinds[1]}."
        hint = f"Name it so that it ends in {file.suffix}."
        raise Failure("Nothing was filled", detail, hints=[hint], exit_code=EXIT_USAGE, as_json=as_json)


def _require_free(file: Path, *written: Path, force: bool, as_json: bool) -> None:
    for path in written:
        if path.resolve() == file.resolve() or (path.exists() and not force):
            hint = "Name another with --out" + (", or add --force." if path.resolve() != file.resolve() else ".")
            detail = f"{path.absolute()} exists already."
            raise Failure("Nothing was filled", detail, hints=[hint], exit_code=EXIT_USAGE, as_json=as_json)


def _progress(*, visible: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=not (visible and err.is_terminal))


def _alone(
    sheet: Sheet,
    blanks: Sequence[tuple[int, tuple[str, ...]]],
    request: Mapping[str, Any],
    workers: int | None,
    learn: bool,
    progress: Progress,
    report: Report,
    *,
    as_json: bool,
) -> Json:
    """Fill from the file's own rows, on this machine."""
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    import msgspec

    from recollect.model import FillRequest
    from recollect.service.standalone import fill_alone

    asked = FillRequest(sheet.rows, None, request["threshold"], request["target_accuracy"])
    learning = progress.add_task("learning", total=1.0, visible=learn)

    def tell(share: float) -> None:
        progress.update(learning, completed=share)

    try:
        found = fill_alone(
            asked, blanks, workers=workers or _cores(), learns=learn, report=report, report_learning=tell
        )
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, exit_code=EXIT_USAGE, as_json=as_json) from None
    told: Json = msgspec.to_builtins(found)
    return told


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _by_space(
    client: Client,
    space: str,
    sheet: Sheet,
    blanks: Sequence[tuple[int, tuple[str, ...]]],
    request: Mapping[str, Any],
    report: Report,
) -> Json:
    """Fill from a memory space, a few requests at a time."""
    threshold, held_out = request["threshold"], None
    bars: dict[str, float | None] = {}
    notes: dict[str, Json] = {}  # by field, of all that was asked
    targets = list(dict.fromkeys(name for _, names in blanks for name in names))
    if request["target_accuracy"] is not None:
        step = max(1, len(sheet.rows) // _PICKED_ON)
        body = {"rows": _sent(sheet.rows[::step][:_PICKED_ON]), "target_accuracy": request["target_accuracy"]}
        picked = client.call("POST", "/fill", space=space, body=body | {"targets": targets})
        threshold, held_out = picked["threshold"], picked["held_out"]
        bars = {each["field"]: each["threshold"] for each in held_out["columns"]}
        notes |= {each["field"]: each for each in picked.get("cue_notes", ())}

    def is_sure(cell: Json) -> bool:
        bar = bars.get(cell["field"]) if bars else threshold
        return bar is not None and bool(cell["confidence"] >= bar)

    def ask(chunk: list[tuple[int, tuple[str, ...]]]) -> list[Json]:
        rows = _sent([sheet.rows[place] for place, _ in chunk])
        found = client.call("POST", "/fill", space=space, body={"rows": rows, "targets": targets})
        report(len(chunk))
        notes.update({each["field"]: each for each in found.get("cue_notes", ())})
        return [{**cell, "row": chunk[cell["row"]][0], "filled": is_sure(cell)} for cell in found["cells"]]

    with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
        cells = [cell for part in pool.map(ask, _chunks(blanks)) for cell in part]
    told = [notes[name] for name in sheet.columns if name in notes]
    return {"cells": cells, "threshold": threshold, "held_out": held_out, "cue_notes": told}


def _sent(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [dict(row) for row in rows]


def _chunks(blanks: Sequence[tuple[int, tuple[str, ...]]]) -> Iterator[list[tuple[int, tuple[str, ...]]]]:
    left = iter(blanks)
    while chunk := list(islice(left, _ROWS_AT_ONCE)):
        yield chunk


def _write(sheet: Sheet, found: Mapping[str, Any], written: Path, cells_file: Path, *, notes: bool) -> None:
    filled = {(cell["row"], cell["field"]): cell["value"] for cell in found["cells"] if cell["filled"]}
    noted = {
        (cell["row"], cell["field"]): (cell["confidence"], cell["source"]) for cell in found["cells"] if cell["filled"]
    }
    rows = (
        [
            sheet.lines[cell["row"]],
            cell["field"],
            cell["value"],
            f"{cell['confidence']:.4f}",
            cell["source"],
            f"{cell['supporters']:.1f}",
            "yes" if cell["filled"] else "no",
            *_interval(cell.get("interval")),
        ]
        for cell in found["cells"]
    )
    try:
        told = sheet.notes
        sheet.write(written, filled, noted if notes else None)
        for note in sheet.notes if sheet.notes is not told else ():
            err.print(note)
        write_cells(cells_file, _CELLS, rows)
    except InvalidRequest as refusal:
        raise Failure("The table cannot be written", refusal.detail, exit_code=EXIT_USAGE) from None
    except OSError as fault:
        raise Failure("The table cannot be written", f"{fault.filename}: {fault.strerror}") from None


def _interval(found: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """Where a number or a time lies, and how surely; blank for anything else."""
    return ("", "", "") if found is None else (found["low"], found["high"], f"{found['mass']:.2f}")


def _tell(
    sheet: Sheet,
    blanks: Sequence[tuple[int, tuple[str, ...]]],
    found: Mapping[str, Any],
    written: Path | None,
    cells_file: Path | None,
    *,
    as_json: bool,
) -> None:
    blank = sum(len(names) for _, names in blanks)
    kept = [cell for cell in found["cells"] if cell["filled"]]
    if as_json:
        summary = {
            "rows": len(sheet.rows),
            "unread_lines": list(sheet.unread),
            "blank": blank,
            "filled": len(kept),
            "threshold": found["threshold"],
            "held_out": found["held_out"],
            "cue_notes": list(found["cue_notes"]),
            "file": str(written and written.absolute()),
            "cells_file": str(cells_file and cells_file.absolute()),
        }
        print_json(summary)
        return
    to = err if written is None else out  # the table itself went to the output
    for note in found["cue_notes"]:
        err.print(escape(note["message"]))
    shown = {each["field"]: each for each in (found["held_out"] or {"columns": ()})["columns"]}
    rows = []
    for name in sheet.columns:
        wanted = sum(name in names for _, names in blanks)
        own = [cell["confidence"] for cell in kept if cell["field"] == name]
        if wanted:
            right = shown[name]["accuracy"] if name in shown else sum(own) / len(own) if own else None
            bar = [_bar(shown[name]["threshold"])] if name in shown else []
            rows.append(
                [name, f"{wanted:,}", f"{len(own):,}", percent(right) if own and right is not None else "", *bar]
            )
    if rows:
        print_table(["column", "blank>", "filled>", "expected right>", *(["threshold>"] if shown else [])], rows, to=to)
    to.print(f"\n[bold]{len(kept):,}[/] of {blank:,} blank cells filled, in {len(sheet.rows):,} rows.")
    _tell_held_out(found, to)
    if written is not None:
        to.print(f"The table: {written.absolute()}")
    if cells_file is not None:
        to.print(f"Each cell with its confidence and source: {cells_file.absolute()}")


def _bar(threshold: float | None) -> str:
    return "none" if threshold is None else f"{threshold:.2f}"


def _tell_held_out(found: Mapping[str, Any], to: Console) -> None:
    held_out = found["held_out"]
    if held_out is None:
        return
    if not held_out["cells"]:
        to.print("No known cell could be asked to pick a threshold on, so nothing was filled.")
    elif held_out["accuracy"] is None:
        to.print(f"Of {held_out['cells']:,} known cells asked as if blank, none shows that accuracy for any column.")
    else:
        to.print(
            f"Expected, from {held_out['cells']:,} known cells asked as if blank: "
            f"{percent(held_out['share_filled'])} filled, of which {percent(held_out['accuracy'])} right."
        )
        left = [each["field"] for each in held_out["columns"] if each["threshold"] is None]
        if left:
            to.print(f"Left as they are, for no confidence is shown to give that accuracy: {', '.join(left)}.")
