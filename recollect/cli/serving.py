"""`serve`: load the program once, prepare the data folder in a fork of it, then run the workers, forks as well.

Nothing is opened in the master and no thread begun: neither a connection to a store, nor a gRPC server, nor a thread
survives a fork. What is loaded does, so a worker that takes another's place is there at once.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from recollect import __version__, locks, telemetry
from recollect.cli.console import EXIT_USAGE, Failure, err, out
from recollect.cli.local import Data
from recollect.cli.running import announced
from recollect.settings import Settings, chooses_data, publish


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. (default: 127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on. (default: 8080)")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes. (default: 2)")] = None,
    data: Data = None,
) -> None:
    """Serve the API and its documentation until interrupted. Options outrank RECOLLECT_* variables.

    Example: recollect serve --port 9000 --data ~/memories
    """
    publish(host=host, port=port, workers=workers, data=data)
    settings = Settings.from_environment()
    _require_free_ports(settings)
    _own_data_folder(settings.data)
    _mention_former_folder(settings)
    out.print(f"Starting Recollect {__version__}; the first time that takes some seconds …")
    out.file.flush()
    gc.disable()  # what is loaded stays: looking through it again and again takes a fifth of the start
    # Here and not above: no other command waits for what only a server needs.
    from recollect.cli.master import Master

    master = Master(settings)
    master.wsgi()
    _prepare()
    logging.captureWarnings(True)
    telemetry.share_metrics(settings.data / "metrics")
    with announced(settings):
        master.run()


def _mention_former_folder(settings: Settings) -> None:
    """Where nobody named a folder and none is in use yet, tell of a store in ./data: earlier releases kept it there."""
    former = Path("data", "recollect.db").absolute()
    is_first = settings.store_file is not None and not settings.store_file.exists()
    if is_first and not chooses_data() and former.is_file():
        err.print(
            f"There is a store in {escape(str(former.parent))}, too. To serve that one: recollect serve --data data"
        )


def _prepare() -> None:
    """Run `recollect prepare` in a fork, which has opened and closed everything when it ends."""
    fork = multiprocessing.get_context("fork").Process(target=_prepare_and_end)
    fork.start()
    fork.join()
    if fork.exitcode:
        raise SystemExit(fork.exitcode)  # it has said why


def _prepare_and_end() -> None:
    from recollect.cli import run  # which imports this module

    raise SystemExit(run(["prepare", "--for-serving"]))


def _own_data_folder(data: Path) -> None:
    """Raise Failure where another server works on the folder. The lock ends with this process and its workers."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = locks.take(data / locks.SERVING)
    except OSError as fault:
        raise Failure("The data folder cannot be used", f"{data}: {fault.strerror}") from None
    if lock is None:
        owner = (data / locks.SERVING).read_text("ascii", "replace").strip() or "unknown"
        raise Failure(
            "Another server works on this data folder",
            f"{data.absolute()}, process {owner}.",
            hints=["End it first, or name another folder with --data or RECOLLECT_DATA."],
            exit_code=EXIT_USAGE,
        )
    locks.sign(lock)


def _require_free_ports(settings: Settings) -> None:
    """Raise Failure where another service listens; workers share the gRPC port, so two servers would even mix."""
    for name, port, instead in (
        ("HTTP", settings.port, "Name another with --port or RECOLLECT_PORT."),
        ("gRPC", settings.grpc_port, "Name another with RECOLLECT_GRPC_PORT; 0 switches gRPC off."),
    ):
        fault = _try_port(settings.host, port) if port else None
        if fault is not None:
            raise Failure(
                f"The {name} port cannot be used",
                f"{settings.host}:{port}: {fault.strerror}",
                hints=[instead],
                exit_code=EXIT_USAGE,
            )


def _try_port(host: str, port: int) -> OSError | None:
    """Why nobody can listen there, None when one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            return fault
    return None
