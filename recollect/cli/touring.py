"""`demo`: a guided tour in the terminal; every step is a command that one could type."""

from __future__ import annotations

import contextlib
import shlex
import sys
import tempfile
from collections.abc import Sequence

import typer
from rich.markup import escape

from recollect.cli.client import Client
from recollect.cli.console import Failure, KeyOption, Url, err, out, report_failure

# What a step shows, and the command that shows it.
STEPS: Sequence[tuple[str, str]] = (
    ("The space `demo` holds a few weeks of somebody's life: 120 episodes.", "episodes list --limit 3"),
    ("You give it the part you know. It gives back the whole, and says how sure it is.", "complete what=breakfast"),
    ("How does it get there? Candidates compete, and the energy falls.", "complete what=breakfast who=Mara --watch"),
    ("Why does it say so? Each part of the cue has its share.", "complete what=breakfast --target where --why"),
    ("It would rather say nothing than guess. Then it says what would help.", "complete what=skydiving --target where"),
    ("A typing error is no event. It says how it read what you gave.", "complete what=brekfast --target where"),
    ("One entry of the demo is wrong. It finds it.", "audit demo --out suspects.csv"),
)
END = (
    "Now your own file:  recollect import FILE --space mine --create\n"
    "or only its gaps:   recollect fill FILE\n"
    "The same with pictures is at / of the server, the guide at /guide."
)


def demo(url: Url = None, key: KeyOption = None) -> None:
    """Take a guided tour of a running server, in the space `demo`; nothing is changed.

    Example: recollect demo
    """
    with Client(url, key) as client:
        client.call("GET", "/spaces/demo")  # says at once where there is no server, or no demo
    given = [*(["--url", url] if url else []), *(["--key", key] if key else [])]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):  # what a step writes is gone with the tour
        for number, (says, command) in enumerate(STEPS, 1):
            out.print(f"\n[bold]{number}/{len(STEPS)}  {escape(says)}[/]")
            out.print(f"[cyan]$ recollect {escape(command)}[/]\n")
            _run([*shlex.split(command), *given])
            if number < len(STEPS) and not _goes_on():
                return
    out.print(f"\n[bold]That is the tour.[/] {END}")


def _run(arguments: Sequence[str]) -> None:
    """Run a command as it stands; a refusal is part of the tour."""
    from recollect.cli import command_line  # the root loads this module

    try:
        command_line()(args=list(arguments), prog_name="recollect", standalone_mode=False)
    except Failure as failure:
        report_failure(failure)
    except typer.Exit:
        return


def _goes_on() -> bool:
    """Wait for Enter where somebody reads along; `q` ends the tour."""
    if not (sys.stdin.isatty() and out.is_terminal):
        return True
    err.print("\n[dim]Enter goes on, q ends[/] ", end="")
    return sys.stdin.readline().strip().lower() != "q"
