"""The command line. It talks to a running server over HTTP; only `serve`, `keys`, `backup`, `check`,
`restore` and `freeze` work on this machine's data, and `bulk` on what was frozen.

Exit codes: 0 done · 1 refused by the server · 2 wrong usage · 3 no server reached ·
4 not enough evidence to complete or to fill anything · 5 imported, but some records were rejected ·
6 the store is damaged · 7 what was compared differs · 70 a fault of ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module

import typer

from recollect import __version__
from recollect.cli.console import Failure, report_failure
from recollect.settings import SettingsError, publish_one_thread_per_worker

# httpx loads a command line of its own wherever click happens to be: a fifth of the time in which ours starts.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None stands for a module that is not there

# Of each command the module, and what of it is the command or the group of commands.
COMMANDS: Mapping[str, str] = {
    "serve": "serving:serve",
    "demo": "touring:demo",
    "prepare": "preparing:prepare",
    "import": "importing:import_file",
    "export": "exporting:export",
    "complete": "completing:complete",
    "recall": "completing:recall",
    "probability": "stating:probability",
    "fill": "filling:fill",
    "freeze": "bulk:freeze",
    "bulk": "bulk:bulk",
    "evaluate": "examining:evaluate",
    "audit": "examining:audit",
    "compare": "differing:compare",
    "consolidate": "learning:consolidate",
    "patterns": "learning:patterns",
    "calibration": "learning:calibration",
    "threshold": "learning:threshold",
    "duplicates": "comparing:duplicates",
    "merge": "comparing:merge",
    "contradictions": "comparing:contradictions",
    "learn": "learning:learn",
    "examine": "learning:examine",
    "snapshot": "learning:snapshot",
    "episodes": "episodes:episodes",
    "forget": "episodes:forget",
    "feedback": "episodes:feedback",
    "schema": "episodes:schema",
    "spaces": "spaces:spaces",
    "keys": "keys:keys",
    "backup": "backup:backup",
    "check": "maintenance:check",
    "restore": "maintenance:restore",
    "migrate-store": "maintenance:migrate_store",
    "status": "status:status",
    "mcp": "tooling:mcp",
}
_HIDDEN = frozenset({"prepare", "learn", "examine", "snapshot"})


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The commands; only the modules of those named are loaded."""
    app = typer.Typer(
        name="recollect",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Give it the part you know; it gives back the whole, and says how sure it is.",
    )
    app.callback()(_root)
    for name in names:
        module, _, place = COMMANDS[name].partition(":")
        found = getattr(import_module(f"recollect.cli.{module}"), place)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name, hidden=name in _HIDDEN)(found)
    return app


def __getattr__(name: str) -> typer.Typer:
    """`app`: all commands, made when it is first asked for."""
    if name != "app":
        raise AttributeError(name)
    found = globals()[name] = command_line()
    return found


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recollect {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Give it the part you know; it gives back the whole, and says how sure it is."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit code and prints every failure for a person."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # A command that is named starts sooner without the modules of all others.
        command_line(given[:1] if given and given[0] in COMMANDS else COMMANDS)(args=given, prog_name="recollect")
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


__all__ = ["COMMANDS", "command_line", "main", "run"]
