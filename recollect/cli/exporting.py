"""`export`: a space's episodes as a file that can be imported again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, TextIO

import orjson
import typer

from recollect.cli.client import Client
from recollect.cli.console import EXIT_USAGE, Failure, KeyOption, Space, Url, err
from recollect.tables.writing import csv_line

_PAGE = 1000
_SERVERS_OWN = ("created_at", "updated_at", "revision")


def export(
    space: Space,
    file: Annotated[Path, typer.Argument(help="Ends in .csv for a table, else JSON lines; - is the output.")] = Path(
        "-"
    ),
    url: Url = None,
    key: KeyOption = None,
) -> None:
    """Write the episodes of a space to a file that `import` reads again.

    Example: recollect export -s visits visits.jsonl · recollect export -s visits visits.csv
    """
    with Client(url, key) as client:
        episodes = episodes_of(client, space)
        first = next(episodes, None)  # before the file is opened: a space that is not there costs no file
        try:
            opened = file.open("w", encoding="utf-8", newline="") if str(file) != "-" else nullcontext(sys.stdout)
        except OSError as fault:
            detail = f"{file.absolute()}: {fault.strerror}"
            raise Failure("The file cannot be written", detail, exit_code=EXIT_USAGE) from None
        with opened as written:
            write = _write_table if file.suffix.lower() == ".csv" else _write_lines
            count = write(written, [] if first is None else [first, *episodes])
    if str(file) != "-":
        err.print(f"Wrote {count} episodes of {space} to {file.absolute()}.")


def episodes_of(client: Client, space: str) -> Iterator[dict[str, Any]]:
    """The episodes of a space as they could be imported, page by page."""
    query: dict[str, Any] = {"limit": _PAGE}
    while True:
        page = client.call("GET", "/episodes", space=space, query=query)
        for episode in page["items"]:
            yield {name: value for name, value in episode.items() if name not in _SERVERS_OWN}
        if page.get("next_cursor") is None:
            return
        query["cursor"] = page["next_cursor"]


def _write_lines(written: TextIO, episodes: list[dict[str, Any]]) -> int:
    written.writelines(orjson.dumps(episode).decode() + "\n" for episode in episodes)
    return len(episodes)


def _write_table(written: TextIO, episodes: list[dict[str, Any]]) -> int:
    """One column a field; lists, numbers and truths as JSON spells them."""
    members = [name for name in ("id", "occurred_at", "expires_at") if any(name in each for each in episodes)]
    fields = list(dict.fromkeys(name for each in episodes for name in each["fields"]))
    written.write(csv_line([*members, *fields]) + "\n")
    for each in episodes:
        cells = [each.get(name, "") for name in members] + [_spell(each["fields"].get(name, "")) for name in fields]
        written.write(csv_line(cells) + "\n")
    return len(episodes)


def _spell(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
