"""`backup`: a consistent copy of the local store, taken while a server runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recollect.cli.console import EXIT_USAGE, AsJson, Failure, out, print_json
from recollect.cli.local import with_runtime

if TYPE_CHECKING:
    from recollect.service.runtime import Runtime


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write; one that exists is refused.")],
    as_json: AsJson = False,
) -> None:
    """Copy the store of the local data folder, consistently, also while a server runs."""
    if file.exists():
        raise Failure("Nothing was copied", f"{file} exists already.", exit_code=EXIT_USAGE, as_json=as_json)

    async def copy(runtime: Runtime) -> None:
        await runtime.store.backup(file)

    with_runtime(copy, as_json=as_json)
    if as_json:
        print_json({"file": str(file), "size_bytes": file.stat().st_size})
    else:
        out.print(f"Copied the store to {file} ({file.stat().st_size:,} bytes).")
