"""`import`: send a file to a space. The server reads it, so that every way in gives the same episodes.

It is resumable from any folder: a file's records are named after its content and their line, so that
whatever was stored before an interruption is found there again.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from recollect.cli.client import Client, segment
from recollect.cli.console import (
    EXIT_REJECTED_RECORDS,
    EXIT_USAGE,
    AsJson,
    Failure,
    KeyOption,
    Url,
    err,
    out,
    print_json,
)
from recollect.cli.imported import print_report
from recollect.cli.reading import Header, HeaderLine, SheetName

_PIECE_BYTES = 256 * 1024
_PATIENCE_S = 3600.0  # a large file is stored after its last byte has arrived
_MAX_BYTES = 1 << 40  # the server says what is too much

Texts = list[str] | None


def import_file(  # noqa: PLR0913, PLR0917  # one parameter is one option of the command
    file: Annotated[Path, typer.Argument(help="CSV, spreadsheet, JSON, Parquet, Arrow, also packed; - is the input.")],
    space: Annotated[str, typer.Option("--space", "-s", help="The memory space to fill.")],
    create: Annotated[bool, typer.Option("--create", help="Create the space if there is none.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Store nothing; print what would happen.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Import although this file was imported before.")] = False,
    rejects: Annotated[Path | None, typer.Option(help="Write the rejected records here, to be mended.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What separates cells: , ; | tab. (default: found out)")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as cp1252. (default: found out)")] = None,
    null: Annotated[Texts, typer.Option(help="A text that means missing, instead of the usual ones.")] = None,
    type_: Annotated[Texts, typer.Option("--type", help="COLUMN=TYPE, or COLUMN=time:day_first.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="The column that holds the ids. (default: id)")] = None,
    map_: Annotated[
        Texts, typer.Option("--map", help="COLUMN=FIELD, COLUMN=@occurred_at, COLUMN= for nothing.")
    ] = None,
    header: Header = None,
    header_line: HeaderLine = None,
    sheet: SheetName = None,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Import a file of episodes into a space; run again, it goes on where it stopped.

    Example: recollect import orders.csv -s orders --create --preview · recollect import visits.xlsx -s visits
    """
    told: dict[str, Any] = {
        "delimiter": delimiter,
        "encoding": encoding,
        "id_column": id_,
        "header": header,
        "sheet": sheet,
    }
    told |= {"header_line": header_line}
    query: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    query |= {"missing_values": null or [], "types": type_ or [], "map": map_ or [], "preview": preview}
    with _open(file, as_json=as_json) as content, Client(url, key, as_json=as_json) as client:
        query["source"] = _name(content, again=again)
        is_new = _find_space(client, space, create=create)
        try:
            report = _send(client, space, content, query, visible=not as_json)
        except Failure:
            _discard_if_empty(client, space, is_new=is_new)
            raise
        _discard_if_empty(client, space, is_new=is_new and preview)
        if rejects is not None and report["rejected_total"]:
            _write_rejects(client, space, content, query, report, rejects)
    is_known = not again and not preview and bool(report["duplicate"]) and report["duplicate"] == report["accepted"]
    if as_json:
        print_json({"space": space, "already_imported": is_known, **report})
    else:
        print_report(file.name, report)
        if is_known:
            out.print(f"This file is in [bold]{space}[/] already; --again imports it once more.")
        if rejects is not None and report["rejected_total"]:
            out.print(f"The rejected records are in {rejects.absolute()}: mend them and import that file.")
    if report["rejected_total"]:
        raise typer.Exit(EXIT_REJECTED_RECORDS)


def _open(file: Path, *, as_json: bool) -> BinaryIO:
    """The file's content, or what comes in, as something that can be read again."""
    if str(file) == "-":
        from recollect.tables import spool  # here and not above: a file that is sent is not read here

        content = spool()
        shutil.copyfileobj(sys.stdin.buffer, content)
        content.seek(0)
        return content
    try:
        return file.open("rb")
    except OSError as fault:
        detail = f"{file.absolute()}: {fault.strerror}"
        raise Failure("The file cannot be read", detail, exit_code=EXIT_USAGE, as_json=as_json) from None


def _name(content: BinaryIO, *, again: bool) -> str:
    """What the file's records are named after: its content, and with `again` this run."""
    digest = hashlib.sha256()
    while piece := content.read(_PIECE_BYTES):
        digest.update(piece)
    return f"imp_{digest.hexdigest()[:16]}" + (f"_{secrets.token_hex(4)}" if again else "")


def _find_space(client: Client, space: str, *, create: bool) -> bool:
    """Whether the space was created, as asked to, because it is not there. A key that may only write cannot know."""
    path = f"/spaces/{segment(space)}"
    try:
        client.call("GET", path)
    except Failure as failure:
        code = (failure.problem or {}).get("status")
        if code == 403 and not create:
            return False
        if code != 404:
            raise
        if not create:
            failure.hints = ("Add --create to create it.", *failure.hints)
            raise
        client.call("PUT", path, body={})
        return True
    return False


def _discard_if_empty(client: Client, space: str, *, is_new: bool) -> None:
    """Leave no space behind that was created for a file of which nothing was stored."""
    if not is_new:
        return
    with suppress(Failure):  # what kept the file out may keep this out, too
        if not client.call("GET", f"/spaces/{segment(space)}/stats")["episodes"]:
            client.call("DELETE", f"/spaces/{segment(space)}")


def _send(client: Client, space: str, content: BinaryIO, query: dict[str, Any], *, visible: bool) -> dict[str, Any]:
    content.seek(0, 2)
    size = content.tell()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not (visible and err.is_terminal), transient=True) as progress:
        task = progress.add_task("sending", total=size)

        def pieces() -> Iterator[bytes]:
            content.seek(0)
            while piece := content.read(_PIECE_BYTES):
                yield piece
                progress.advance(task, len(piece))
            progress.update(task, description="storing")

        report: dict[str, Any] = client.call(
            "POST",
            "/imports",
            space=space,
            content=pieces(),
            query=query,
            headers={"Content-Type": "application/octet-stream"},
            timeout_s=_PATIENCE_S,
        )
        return report


def _write_rejects(
    client: Client, space: str, content: BinaryIO, query: dict[str, Any], report: dict[str, Any], home: Path
) -> None:
    """Write every rejected record; a report lists the first thousand, a preview from there on the next."""
    # Here and not above: see _open.
    from recollect.errors import RecollectError
    from recollect.tables import open_file, read_options
    from recollect.tables.rejects import write_rejects

    lines = [each["line"] for each in report["rejected"]]
    while len(lines) < report["rejected_total"] and lines:
        more = {**query, "preview": True, "start_line": lines[-1] + 1}
        found = [each["line"] for each in _send(client, space, content, more, visible=False)["rejected"]]
        if not found:
            break
        lines += found
    options = read_options(
        **{name: query.get(name) for name in ("delimiter", "encoding", "id_column", "sheet", "header_line")},
        header=report["table"] is None or report["table"]["header_line"] > 0,
        missing_values=query["missing_values"] or None,
        types=query["types"],
        renamed=query["map"],
    )
    try:
        with home.open("w", encoding="utf-8", errors="replace", newline="") as written:
            write_rejects(open_file(content, max_bytes=_MAX_BYTES), frozenset(lines), options, written)
    except (OSError, RecollectError) as fault:
        raise Failure("The rejected records could not be written", f"{home.absolute()}: {fault}") from None
