"""`import`: send a file's episodes to a space, and go on where an interrupted import stopped."""

from __future__ import annotations

import csv
import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
    print_table,
    shown,
)
from recollect.cli.records import FieldSummary, Record, read_records, summarise
from recollect.settings import Settings

_CHUNK = 500  # records per request: each request is atomic and one step of the progress bar
_CHUNK_BYTES = 4_000_000
_SHOWN_REJECTIONS = 20


@dataclass(slots=True)
class Progressed:
    """How far an import got; kept in the data folder after every chunk."""

    space: str
    incarnation: str  # when the space was created: a space made anew has none of this file
    digest: str
    run: str = field(default_factory=lambda: f"imp_{secrets.token_hex(6)}")  # begins the ids of records without one
    records_done: int = 0
    accepted: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    rejected_total: int = 0
    is_complete: bool = False


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, JSON or CSV.")],
    space: Annotated[str, typer.Option("--space", "-s", help="The memory space to fill.")],
    create: Annotated[bool, typer.Option("--create", help="Create the space if there is none.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Import although this file was imported before.")] = False,
    url: Url = None,
    key: KeyOption = None,
    as_json: AsJson = False,
) -> None:
    """Import a file of episodes into a space; run again, it goes on where it stopped.

    Example: recollect import visits.csv --space visits --create
    """
    try:
        summary, total = summarise(file)
    except (UnicodeDecodeError, ValueError, csv.Error) as fault:
        raise Failure("The file cannot be read", f"{file}: {fault}", exit_code=EXIT_USAGE, as_json=as_json) from None
    if not as_json:
        _print_summary(file, summary, total)
    with Client(url, key, as_json=as_json) as client:
        incarnation = _find_space(client, space, create=create, embedding=_dimensions(file))
        digest = _digest(file)
        home = _state_path(client.url, space, digest)
        state = _load(home, Progressed(space, incarnation, digest), again=again)
        was_complete, resumed_at = state.is_complete, state.records_done
        if not was_complete:
            _send_all(client, file, total, state, home, visible=not as_json)
    _report(state, was_complete=was_complete, resumed_at=resumed_at, as_json=as_json)
    if state.rejected_total:
        raise typer.Exit(EXIT_REJECTED_RECORDS)


def _find_space(client: Client, space: str, *, create: bool, embedding: int | None) -> str:
    """When the space was created; creates it if asked to. A key that may only write cannot know: empty."""
    path = f"/spaces/{segment(space)}"
    try:
        return str(client.call("GET", path).get("created_at", ""))
    except Failure as failure:
        code = (failure.problem or {}).get("status")
        if code == 403 and not create:
            return ""
        if code != 404:
            raise
        if not create:
            failure.hints = ("Add --create to create it.", *failure.hints)
            raise
    body = {} if embedding is None else {"embedding_dimensions": embedding}
    return str(client.call("PUT", path, body=body).get("created_at", ""))


def _dimensions(file: Path) -> int | None:
    """The length of the first embedding in the file, for a space that is created for it."""
    for record in islice(read_records(file), _CHUNK):
        embedding = (record.episode or {}).get("embedding")
        if isinstance(embedding, list):
            return len(embedding)
    return None


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _state_path(url: str, space: str, digest: str) -> Path:
    name = hashlib.sha256(f"{url} {space} {digest}".encode()).hexdigest()[:24]
    return Settings.from_environment().data / "imports" / f"{name}.json"


def _load(home: Path, fresh: Progressed, *, again: bool) -> Progressed:
    """The state of an earlier import of the same file into the same space, else a fresh one."""
    if again or not home.exists():
        return fresh
    try:
        state = Progressed(**orjson.loads(home.read_bytes()))
    except (ValueError, TypeError):
        return fresh
    return state if state.incarnation == fresh.incarnation else fresh


def _save(home: Path, state: Progressed) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = home.with_suffix(".new")
    draft.write_bytes(orjson.dumps(asdict(state)))
    draft.replace(home)


def _send_all(client: Client, file: Path, total: int, state: Progressed, home: Path, *, visible: bool) -> None:
    columns = (TextColumn("importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    _save(home, state)  # before anything is sent: a repeat must know the run it continues
    with Progress(*columns, console=err, disable=not (visible and err.is_terminal)) as progress:
        task = progress.add_task("import", total=total, completed=state.records_done)
        for chunk in _chunks(islice(read_records(file), state.records_done, None), state.run):
            _send(client, chunk, state)
            _save(home, state)
            progress.update(task, completed=state.records_done)
    state.is_complete = True
    _save(home, state)


def _chunks(records: Iterator[Record], run: str) -> Iterator[list[tuple[Record, bytes]]]:
    """Records with their JSON, in requests of bounded count and size."""
    chunk: list[tuple[Record, bytes]] = []
    size_bytes = 0
    for record in records:
        line = b"" if record.episode is None else orjson.dumps({"id": f"{run}-{record.line}"} | record.episode)
        if chunk and (len(chunk) == _CHUNK or size_bytes + len(line) > _CHUNK_BYTES):
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append((record, line))
        size_bytes += len(line) + 1
    if chunk:
        yield chunk


def _send(client: Client, chunk: list[tuple[Record, bytes]], state: Progressed) -> None:
    """Send one chunk. Every record has an id, so a repeat after a lost reply replaces and adds nothing."""
    sent = [(record, line) for record, line in chunk if record.episode is not None]
    for record, _ in chunk:
        if record.episode is None:
            _reject(state, {"line": record.line, "pointer": "", "code": "UNREADABLE", "reason": record.fault})
    if sent:
        report = client.call(
            "POST",
            "/imports",
            space=state.space,
            content=b"\n".join(line for _, line in sent) + b"\n",
            headers={"Content-Type": "application/x-ndjson"},
        )
        state.accepted += report["accepted"]
        for rejection in report["rejected"]:
            _reject(state, rejection | {"line": sent[rejection["line"] - 1][0].line})
        state.rejected_total += report.get("rejected_total", len(report["rejected"])) - len(report["rejected"])
    state.records_done += len(chunk)


def _reject(state: Progressed, rejection: dict[str, Any]) -> None:
    state.rejected_total += 1
    if len(state.rejected) < 1000:  # the first ones tell; the state file stays small
        state.rejected.append(rejection)


def _print_summary(file: Path, summary: dict[str, FieldSummary], total: int) -> None:
    out.print(f"{file.name}: {total} records")
    rows = [
        [
            name,
            each.kind,
            f"{each.count}",
            f"{len(each.distinct)}" + ("+" if len(each.distinct) > 1000 else ""),
            shown(each.example)[:60],
        ]
        for name, each in summary.items()
    ]
    print_table(["field", "type", "known>", "distinct>", "for example"], rows)


def _report(state: Progressed, *, was_complete: bool, resumed_at: int, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "space": state.space,
                "accepted": state.accepted,
                "rejected_total": state.rejected_total,
                "rejected": state.rejected,
                "resumed_at_record": resumed_at,
                "already_imported": was_complete,
            }
        )
        return
    if was_complete:
        out.print(f"This file is in [bold]{state.space}[/] already; --again imports it once more.")
    elif resumed_at:
        out.print(f"Went on after record {resumed_at}.")
    out.print(f"[bold]{state.accepted}[/] accepted, [bold]{state.rejected_total}[/] rejected")
    if state.rejected:
        rows = [
            [str(each["line"]), each.get("pointer", ""), each.get("reason", "")]
            for each in state.rejected[:_SHOWN_REJECTIONS]
        ]
        print_table(["line>", "at", "reason"], rows)
    if state.rejected_total > _SHOWN_REJECTIONS:
        out.print(f"… and {state.rejected_total - _SHOWN_REJECTIONS} more")
