"""Work on a data folder of this machine, for the commands that need no running server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape

from recollect.cli.console import EXIT_USAGE, Failure, err
from recollect.cli.running import running
from recollect.errors import RecollectError
from recollect.settings import Settings, chooses_data, publish

if TYPE_CHECKING:
    from recollect.service.runtime import Runtime

T = TypeVar("T")
Data = Annotated[
    Path | None,
    typer.Option("--data", help="The data folder. (default: $RECOLLECT_DATA, else this user's data folder)"),
]


def with_runtime(
    work: Callable[[Runtime], Awaitable[T]], *, data: Path | None, as_json: bool, makes_store: bool = False
) -> T:
    """Do the work on the store of a data folder, opened for it and closed after it.

    `makes_store`: in a folder that somebody named and that holds none, one is made.
    """
    settings = served_settings(data, as_json=as_json, makes_store=makes_store)
    # Here and not above: the process that forks the workers imports this module, and must not load the mathematics.
    from recollect.service.runtime import open_runtime

    async def open_and_work() -> T:
        async with open_runtime(settings) as runtime:
            return await work(runtime)

    try:
        return asyncio.run(open_and_work())
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail, as_json=as_json) from None


def served_settings(data: Path | None, *, as_json: bool, makes_store: bool = False) -> Settings:
    """The settings with a data folder that holds a store.

    Raises Failure where it holds none, and where nobody named it while a server keeps its data elsewhere:
    a key made there would lock nothing, a backup taken there would save nothing.
    """
    publish(data=data)
    settings = Settings.from_environment()
    servers = running()
    is_elsewhere = not chooses_data() and servers and all(each.store != settings.store for each in servers)
    has_store = settings.store_file is None or settings.store_file.is_file()
    if makes_store and not has_store and chooses_data():
        err.print(f"There was no store in {escape(str(settings.data))}: it is made.")
        return settings
    if has_store and not is_elsewhere:
        return settings
    lack = "" if has_store else f"{settings.data} holds no store. "
    in_use = " ".join(f"The server at {each.url} keeps its data in {each.data}." for each in servers)
    raise Failure(
        "This data folder is not the one in use" if in_use else "There is no store in this data folder",
        (lack or f"{settings.data} is another folder. ") + in_use,
        hints=[f"Name it: --data {each.data}" for each in servers]
        or [
            "Name the folder with --data or RECOLLECT_DATA.",
            f"Or begin one there: recollect serve --data {settings.data}",
        ],
        exit_code=EXIT_USAGE,
        as_json=as_json,
    )
