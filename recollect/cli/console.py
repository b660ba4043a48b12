"""What commands print: tables and sentences for people, or the server's JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recollect.cli.suggesting import suggest_fields, suggest_spaces

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_NO_EVIDENCE = 4
EXIT_REJECTED_RECORDS = 5

_PIPE_WIDTH = 240  # a program or a file has no edge at which to break a row
out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(highlight=False, emoji=False, soft_wrap=True, stderr=True)

Space = Annotated[str, typer.Option("--space", "-s", help="The memory space.", autocompletion=suggest_spaces)]
OneField = Annotated[
    str | None, typer.Option("--field", "-f", help="Only answers for this field.", autocompletion=suggest_fields)
]
Url = Annotated[
    str | None, typer.Option("--url", help="The server. (default: $RECOLLECT_URL, else http://127.0.0.1:8080)")
]
KeyOption = Annotated[str | None, typer.Option("--key", help="The key to send. (default: $RECOLLECT_KEY)")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's JSON.")]


class Failure(Exception):
    """A command cannot do what was asked; everything a person needs to go on."""

    def __init__(
        self,
        title: str,
        detail: str = "",
        *,
        hints: Sequence[str] = (),
        exit_code: int = EXIT_REFUSED,
        problem: Mapping[str, Any] | None = None,
        as_json: bool = False,
    ) -> None:
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.hints = tuple(hints)
        self.exit_code = exit_code
        self.problem = problem
        self.as_json = as_json


def report_failure(failure: Failure) -> int:
    """Print a failure; returns its exit code. With --json the problem goes to standard output as it came."""
    if failure.as_json:
        print_json(failure.problem or {"title": failure.title, "detail": failure.detail})
        return failure.exit_code
    err.print(f"[bold red]{escape(failure.title)}[/]")
    if failure.detail:
        err.print(escape(failure.detail))
    for hint in failure.hints:
        err.print(f"  [cyan]→[/] {escape(hint)}")
    return failure.exit_code


def print_json(document: Any) -> None:
    """Print a document as JSON: indented for a terminal, one line for a pipe."""
    option = orjson.OPT_INDENT_2 if out.is_terminal else 0
    out.file.write(orjson.dumps(document, option=option).decode() + "\n")
    out.file.flush()


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None, to: Console = out
) -> None:
    """Print a table; a column named with a trailing `>` holds numbers and is set flush right."""
    table = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    to.print(table)


def shown(value: Any) -> str:
    """A field value as one would type it: text bare unless it would read as something else."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value, ensure_ascii=False)


def span(low: Any, high: Any) -> tuple[str, str]:
    """Two ends of an interval, fractions to a thousandth of its width: what is finer means nothing."""
    if not (isinstance(low, float) and isinstance(high, float) and high > low):
        return shown(low), shown(high)
    digits = max(0, 3 - math.floor(math.log10(high - low)))
    return shown(round(low, digits)), shown(round(high, digits))


def percent(probability: float | None) -> str:
    """A probability for people."""
    return "" if probability is None else f"{100 * probability:.1f} %"
