"""gunicorn's ASGI worker with what it lacks: a deadline for a connection's first request head, a drain, problems.

It waits for ever for a client that connects and says nothing, or says it very slowly.
Later heads run into its keepalive timeout, bodies and replies into the guard's deadlines.
What its parser refuses never reaches the guard: it is answered here as the guard would.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.glogging import Logger
from gunicorn.workers import gasgi

from recollect.settings import Settings


class ImpatientProtocol(ASGIProtocol):  # type: ignore[misc]
    """Closes a connection whose first request head is not complete in time."""

    head_timeout_s = 15.0
    root_path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock with the connection."""
        super().connection_made(transport)
        asyncio.get_running_loop().call_later(self.head_timeout_s, self._close_if_silent, transport)

    def _close_if_silent(self, transport: Any) -> None:
        if self.req_count <= 1 and self._current_request is None and not transport.is_closing():
            transport.close()

    def _is_websocket_upgrade(self, request: Any) -> bool:
        """Nothing here is spoken over WebSocket: such a request is answered like any other of its path."""
        return False

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """Answer what the parser refuses as a problem; its message, which may quote the request, is left out."""
        # Here and not above: whoever imports this module need not wait for the mathematics.
        from handlers import unparsed

        self._safe_write(unparsed.answer(status, self.root_path))


class ServerLogger(Logger):  # type: ignore[misc]
    """The server's own log. Requests are logged by the guard; a second line that nobody sees cost much of a refusal."""

    access_log_enabled = False


class ImpatientWorker(gasgi.ASGIWorker):  # type: ignore[misc]
    """The worker that speaks this protocol."""

    def init_process(self) -> None:
        """Put the protocol in place; the worker's own code names it as a global of its module."""
        settings = Settings.from_environment()
        ImpatientProtocol.head_timeout_s, ImpatientProtocol.root_path = settings.body_timeout_s, settings.root_path
        gasgi.ASGIProtocol = ImpatientProtocol
        super().init_process()

    def init_signals(self) -> None:
        """Hear from the beginning that the worker shall end: the loop hears signals only once it runs."""
        super().init_signals()
        signal.signal(signal.SIGTERM, lambda *_: self.handle_exit_signal())
        for each in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(each, lambda *_: self.handle_quit_signal())

    def run(self) -> None:
        """Serve, the signals being the loop's from here on."""
        super().init_signals()
        super().run()

    async def _shutdown(self) -> None:
        """Take no new connections and let the application drain; connections without a request are not waited for.

        gunicorn's own way waits for idle connections too, and tells the application only after them:
        by then its time is up, and it is killed with its gRPC calls.
        """
        for server in self.servers:
            server.close()
        if self.lifespan is not None:
            ending = asyncio.create_task(self.lifespan.shutdown())
            while not ending.done() and not self._quick_shutdown:
                await asyncio.wait([ending], timeout=0.1)
