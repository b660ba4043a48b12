"""`prepare`: what must be true before workers start, made true in a process that then ends.

The data folder exists, the store opens and is migrated, a public address has keys,
and the read-only space `demo` holds its shipped episodes.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated

import typer

from recollect import telemetry
from recollect.cli.console import EXIT_USAGE, Failure
from recollect.errors import RecollectError
from recollect.settings import Settings

if TYPE_CHECKING:
    from recollect.service.runtime import Runtime


def prepare(
    for_serving: Annotated[bool, typer.Option(help="Also refuse what must not be served.")] = False,
) -> None:
    """Create the data folder, migrate the store and fill the demo space."""
    settings = Settings.from_environment()
    if settings.traces and not telemetry.traces.is_installed():
        raise Failure(
            "Traces cannot be sent",
            "RECOLLECT_TRACES is set, but OpenTelemetry is not installed.",
            hints=["Install it: pip install 'recollect[traces]'"],
            exit_code=EXIT_USAGE,
        )
    telemetry.configure_logging(settings.log_level, settings.log_format)
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise Failure("The data folder cannot be made", f"{settings.data}: {fault.strerror}") from None
    try:
        asyncio.run(_prepare(settings, for_serving=for_serving))
    except RecollectError as refusal:
        raise Failure(refusal.title, refusal.detail) from None


async def _prepare(settings: Settings, *, for_serving: bool) -> None:
    # Here and not above: whoever imports this module need not wait for the mathematics.
    from recollect.service.demo import provide_demo
    from recollect.service.runtime import discard_damage, open_runtime

    discard_damage(settings)
    async with open_runtime(settings) as runtime:
        if for_serving:
            _refuse_open_service(settings, runtime)
        if settings.demo and runtime.store.is_writable():  # a fenced store is served as it is
            try:
                await provide_demo(runtime)
            except RecollectError as refusal:  # a full disk, for one: what is stored is served all the same
                telemetry.log("demo_not_provided", level=logging.WARNING, code=refusal.code)


def _refuse_open_service(settings: Settings, runtime: Runtime) -> None:
    """A public address without keys would let anyone in: never served by accident."""
    from recollect.service.access import Access

    if not settings.is_public or Access(settings, runtime.store).requires_key():
        return
    off = settings.auth == "off"
    raise Failure(
        "A public address needs keys",
        f"{settings.host} can be reached from other machines, "
        + ("and RECOLLECT_AUTH is off." if off else "and no key was ever created."),
        hints=[
            "Set RECOLLECT_AUTH=auto" if off else "Create one: recollect keys create --label admin",
            "or listen on this machine only: RECOLLECT_HOST=127.0.0.1",
        ],
        exit_code=EXIT_USAGE,
    )
