"""Ways between processes of this machine that can be cut, as a network is: nothing passes, and nobody is told.

What was on its way arrives once the link is whole again, as TCP would send it again; connections that are tried
meanwhile hang. The links run in a thread of their own, so that a test may block.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field

_PIECE_BYTES = 65536


@dataclass(eq=False)
class Link:
    """One way to a port of this machine. `cut` and `heal` may be called from any thread."""

    target: int
    loop: asyncio.AbstractEventLoop
    port: int = 0
    _is_whole: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _ways: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self) -> None:
        """Listen on a port of its own."""
        self._is_whole.set()
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """From now on nothing passes."""
        asyncio.run_coroutine_threadsafe(self._set(is_whole=False), self.loop).result()

    def heal(self) -> None:
        """Everything passes again, what was held up first."""
        asyncio.run_coroutine_threadsafe(self._set(is_whole=True), self.loop).result()

    async def close(self) -> None:
        """End it and everything on it."""
        if self._server is not None:
            self._server.close()
        for each in self._ways:
            each.cancel()
        if self._ways:
            await asyncio.wait(self._ways)

    async def _set(self, *, is_whole: bool) -> None:
        if is_whole:
            self._is_whole.set()
        else:
            self._is_whole.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.current_task()
        assert way is not None
        self._ways.add(way)
        there: asyncio.StreamWriter | None = None
        try:
            await self._is_whole.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self._pump(reader, there), self._pump(back, writer))
        except (OSError, asyncio.CancelledError):
            pass  # an end is gone, or the test is over: the other end is closed
        finally:
            self._ways.discard(way)
            for each in (writer, there):
                if each is not None:
                    each.close()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(_PIECE_BYTES):
            await self._is_whole.wait()
            target.write(data)
            await target.drain()
        await self._is_whole.wait()
        if target.can_write_eof():
            target.write_eof()


class Links:
    """The links of one test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="links", daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def to(self, port: int) -> Link:
        """A new link to a port."""
        link = Link(port, self.loop)
        asyncio.run_coroutine_threadsafe(link.open(), self.loop).result()
        self._links.append(link)
        return link

    def close(self) -> None:
        """End them all."""
        for link in self._links:
            with suppress(asyncio.CancelledError):
                asyncio.run_coroutine_threadsafe(link.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
