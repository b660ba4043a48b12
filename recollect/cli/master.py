"""The process that starts the workers of `serve` and watches over them."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from gunicorn.app.base import BaseApplication
from rich.markup import escape

from recollect import telemetry
from recollect.cli.console import out
from recollect.settings import Settings

_HTTP, _GRPC = "handlers.app", "recollect.rpc.server"  # loaded by a server only
# What connexion loads for its users' tests, for templates and for documents elsewhere: nothing here calls it.
UNUSED = ("jinja2", "requests", "starlette.testclient", "werkzeug.serving", "werkzeug.test")
_HEARTBEAT_S = 120  # loading a large space keeps a worker busy at start; a hung one must still be found
_CLOSING_S = 10  # what a worker may take after its drain, to close the store, before it is killed
_HEAD_LINE_BYTES = 65_536  # wider than what the guard allows, so that the guard words the refusal


class Master(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings only: no files, no variables and no arguments of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Hand our settings to gunicorn."""
        settings = self._settings
        values: dict[str, Any] = {
            "bind": f"[{settings.host}]:{settings.port}"
            if ":" in settings.host
            else f"{settings.host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": "handlers.connections.ImpatientWorker",
            "logger_class": "handlers.connections.ServerLogger",
            "asgi_lifespan": "on",
            "control_socket_disable": True,
            "proc_name": "recollect",
            "timeout": _HEARTBEAT_S,
            "graceful_timeout": int(settings.drain_timeout_s) + _CLOSING_S,
            "keepalive": 30,
            "limit_request_line": 8190,
            "limit_request_fields": 200,
            "limit_request_field_size": _HEAD_LINE_BYTES,
            "loglevel": settings.log_level,
            "logconfig_dict": telemetry.server_logging(settings.log_level, settings.log_format),
            "post_worker_init": self._announce,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The ASGI application with the gRPC server beside it; made once, before the first fork, and opens nothing."""
        with warnings.catch_warnings(), _without(*UNUSED):
            warnings.simplefilter("ignore")  # what libraries say of each other while they load is not an operator's
            http, grpc = importlib.import_module(_HTTP), importlib.import_module(_GRPC)
            app = http.create_app(self._settings, companions=(grpc.serve_grpc,))
        gc.enable()
        gc.freeze()  # a collection in a worker would write to every page of it, which all workers share
        return app

    def _announce(self, worker: Any) -> None:
        """Let the first worker print the address once it answers."""
        if worker.age == 1:
            worker.loop.create_task(_print_address(worker, self._settings))


class _Unloaded(ModuleType):
    """Stands for a module while others load; a function that they took of it loads the module when it is called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(importlib.import_module(self.__name__), name)(*args, **kwargs)

        return call


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Let what is loaded inside begin without these modules."""
    spared = [name for name in names if name not in sys.modules]
    sys.modules.update((name, _Unloaded(name)) for name in spared)
    try:
        yield
    finally:
        for name in spared:
            del sys.modules[name]


async def _print_address(worker: Any, settings: Settings) -> None:
    while not worker.servers:  # noqa: ASYNC110  # the server has no event to wait for
        await asyncio.sleep(0.02)
    out.print(f"Recollect keeps its data in {escape(str(settings.data))}", soft_wrap=True)
    out.print(f"Recollect answers at [bold]{settings.url}[/]  (Ctrl-C ends it)", soft_wrap=True)
    out.file.flush()
