"""`backup`: a consistent copy of a store, taken while a server runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recollect.cli.console import EXIT_USAGE, AsJson, Failure, out, print_json
from recollect.cli.local import Data, with_runtime

if TYPE_CHECKING:
    from recollect.service.runtime import Runtime


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; one that exists is refused.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Copy the store of a data folder, consistently, also while a server runs.

    Example: recollect backup /backups/recollect-2026-11-22.db
    """
    file = file.absolute()
    if file.exists():
        raise Failure("Nothing was copied", f"{file} exists already.", exit_code=EXIT_USAGE, as_json=as_json)

    async def copy(runtime: Runtime) -> str:
        await runtime.store.backup(file)
        return str(runtime.settings.store_file or runtime.settings.store)

    source = with_runtime(copy, data=data, as_json=as_json)
    if as_json:
        print_json({"file": str(file), "store": source, "size_bytes": file.stat().st_size})
    else:
        out.print(f"Copied {source} to {file} ({file.stat().st_size:,} bytes).")
