"""`check`, `restore` and `migrate-store`: what an operator does to a store itself."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from recollect.cli.console import AsJson, Failure, out, print_json, print_table
from recollect.cli.local import Data, served_settings
from recollect.errors import RecollectError

EXIT_DAMAGED = 6


def check(data: Data = None, as_json: AsJson = False) -> None:
    """Look through the whole local store, also while a server runs; exit code 6 where something is damaged.

    Example: recollect check
    """
    # Here and not above: whoever imports this module need not wait for the mathematics.
    from recollect.service.maintenance import check_store

    try:
        faults = asyncio.run(check_store(served_settings(data, as_json=as_json)))
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, as_json=as_json) from None
    if as_json:
        print_json({"is_sound": not faults, "faults": [asdict(fault) for fault in faults]})
    elif faults:
        print_table(["what", "space", "which"], [[fault.table, fault.space, fault.row] for fault in faults])
        out.print("The store is damaged and takes no writes. Bring a backup in: recollect restore FILE")
    else:
        out.print("The store is sound.")
    if faults:
        raise typer.Exit(EXIT_DAMAGED)


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file that `recollect backup` wrote.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the local store, after checking it; the server must not run.

    Example: recollect restore /backups/recollect-2026-11-22.db
    """
    from recollect.service.maintenance import restore_store

    settings = served_settings(data, as_json=as_json, makes_store=True)
    try:
        before = restore_store(settings, file)
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, as_json=as_json) from None
    if as_json:
        print_json({"restored": str(file), "store_before": None if before is None else str(before)})
        return
    out.print(f"Restored {file}. Entity tags and cursors given out before hold no more.")
    if before is not None:
        out.print(f"The store before it is kept as {before}.")


def migrate_store(
    source: Annotated[str, typer.Argument(metavar="FROM", help="sqlite:///path or postgresql://…")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Where to; nothing may be there yet.")],
    as_json: AsJson = False,
) -> None:
    """Bring a whole store into another place, all or nothing, verified by digest; no server may run on either.

    Tags, cursors and keys go on to hold. What is kept for a while, for feedback on completions of the last day, is not
    brought along. The store that was is left as it is.

    Example: recollect migrate-store sqlite:////var/lib/recollect/recollect.db postgresql://recollect@db/recollect
    """
    from recollect.service import maintenance

    try:
        done = maintenance.migrate_store(source, target)
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, as_json=as_json) from None
    if as_json:
        print_json(asdict(done))
        return
    out.print(f"Brought over: {done.spaces} spaces, {done.episodes} episodes, {done.keys} keys.")
    out.print(f"Both stores give the digest {done.digest}. Name the new one: RECOLLECT_STORE")
