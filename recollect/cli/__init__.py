"""The command line. It talks to a running server over HTTP; only `serve`, `keys`, `backup`, `check` and
`restore` work on this machine's data.

Exit codes: 0 done · 1 refused by the server · 2 wrong usage · 3 no server reached ·
4 not enough evidence to complete or to fill anything · 5 imported, but some records were rejected ·
6 the store is damaged · 7 what was compared differs · 70 a fault of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from recollect import __version__
from recollect.cli.backup import backup
from recollect.cli.comparing import contradictions, duplicates, merge
from recollect.cli.completing import complete, recall
from recollect.cli.console import Failure, report_failure
from recollect.cli.differing import compare
from recollect.cli.episodes import episodes, feedback, forget, schema
from recollect.cli.examining import audit, evaluate
from recollect.cli.exporting import export
from recollect.cli.filling import fill
from recollect.cli.importing import import_file
from recollect.cli.keys import keys
from recollect.cli.learning import calibration, consolidate, examine, learn, patterns, snapshot, threshold
from recollect.cli.maintenance import check, migrate_store, restore
from recollect.cli.preparing import prepare
from recollect.cli.serving import serve
from recollect.cli.spaces import spaces
from recollect.cli.stating import probability
from recollect.cli.status import status
from recollect.cli.tooling import mcp
from recollect.cli.touring import demo
from recollect.settings import SettingsError, publish_one_thread_per_worker

app = typer.Typer(
    name="recollect",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Give it the part you know; it gives back the whole, and says how sure it is.",
)
app.command("serve")(serve)
app.command("demo")(demo)
app.command("prepare", hidden=True)(prepare)
app.command("import")(import_file)
app.command("export")(export)
app.command("complete")(complete)
app.command("recall")(recall)
app.command("probability")(probability)
app.command("fill")(fill)
app.command("evaluate")(evaluate)
app.command("audit")(audit)
app.command("compare")(compare)
app.command("consolidate")(consolidate)
app.command("patterns")(patterns)
app.command("calibration")(calibration)
app.command("threshold")(threshold)
app.command("duplicates")(duplicates)
app.command("merge")(merge)
app.command("contradictions")(contradictions)
app.command("learn", hidden=True)(learn)
app.command("examine", hidden=True)(examine)
app.command("snapshot", hidden=True)(snapshot)
app.add_typer(episodes, name="episodes")
app.command("forget")(forget)
app.command("feedback")(feedback)
app.command("schema")(schema)
app.add_typer(spaces, name="spaces")
app.add_typer(keys, name="keys")
app.command("backup")(backup)
app.command("check")(check)
app.command("restore")(restore)
app.command("migrate-store")(migrate_store)
app.command("status")(status)
app.command("mcp")(mcp)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recollect {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Give it the part you know; it gives back the whole, and says how sure it is."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code and prints every failure for a person."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="recollect")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Failure as failure:
        return report_failure(failure)
    except SettingsError as fault:
        return report_failure(Failure("A setting cannot be used", str(fault), exit_code=2))
    except BrokenPipeError:
        sys.stderr.close()  # the reader left (`| head`); nothing more can be said
        return 0
    except Exception as fault:  # noqa: BLE001  # an edge: no command ends in a traceback
        return report_failure(Failure("Unexpected fault", f"{type(fault).__name__}: {fault}", exit_code=70))
    return 0


def main() -> None:
    """The `recollect` command."""
    publish_one_thread_per_worker()
    sys.exit(run())


__all__ = ["app", "main", "run"]
