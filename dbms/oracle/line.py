"""An event loop for one connection: it dials the address that it is told, and its line can be cut.

The driver knows no time-out for its login and cannot be interrupted in a thread of its own; as a task it can.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


PACKET_TYPES = frozenset({2, 4, 5, 6, 11, 12})  # accept, refuse, redirect, data, resend, marker
PACKET_TYPE_AT = 4  # in the head of a packet


class _FirstPacket(asyncio.Protocol):
    """Looks whether a peer speaks Oracle Net before the driver hears of it: of others it would wait for more."""

    def __init__(self, line: Line, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        self._line, self._transport, self._protocol = line, transport, protocol
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if len(self._head) > PACKET_TYPE_AT:
            if self._head[PACKET_TYPE_AT] not in PACKET_TYPES:
                self._line.speaks_another_protocol = True
                return self._line.cut()
            self._transport.set_protocol(self._protocol)
            self._protocol.data_received(self._head)
        return None

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._protocol.connection_lost(error)


class Line(asyncio.SelectorEventLoop):
    """Runs what talks to one server, in the thread that calls `wait_for`. Other threads may have it cut."""

    def __init__(self, *, host: str) -> None:
        super().__init__()
        self._server_name = host  # the name that the server's certificate is checked for
        self._work: asyncio.Task[Any] | None = None
        self._opened: list[asyncio.Transport] = []
        self.is_cut = False
        self.speaks_another_protocol = False
        self.offers_no_tls = False

    def wait_for(self, work: Coroutine[Any, Any, T], *, seconds: float) -> T:
        """What the work returns. Raises TimeoutError, and asyncio.CancelledError once the line is cut."""
        if self.is_cut:
            work.close()
            raise asyncio.CancelledError
        task = self._work = self.create_task(work)
        try:
            answer: T = self.run_until_complete(asyncio.wait_for(task, seconds))
        finally:
            self._work = None
        return answer

    def cut(self) -> None:
        """End the line without a farewell, and whatever waits for it."""
        self.is_cut = True
        for transport in self._opened:
            transport.abort()
        if self._work is not None:
            self._work.cancel()

    def close(self) -> None:
        """Cut the line and leave nothing behind: no task, no socket, no thread."""
        if not self.is_closed():
            self.cut()
            for task in asyncio.all_tasks(self):
                task.cancel()
            self.run_until_complete(asyncio.sleep(0))  # the transports close their sockets in the next round
        super().close()

    async def create_connection(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await super().create_connection(*args, **options)
        self._opened.append(transport)
        transport.set_protocol(_FirstPacket(self, transport, protocol))
        return transport, protocol

    async def start_tls(self, transport: Any, protocol: Any, sslcontext: ssl.SSLContext, **options: Any) -> Any:
        # The driver checks names by its own rules, which know no addresses; here the TLS library does it.
        sslcontext.check_hostname = sslcontext.verify_mode is not ssl.CERT_NONE
        options["server_hostname"] = self._server_name
        try:
            secured = await super().start_tls(transport, protocol, sslcontext, **options)
        except ConnectionError:
            self.offers_no_tls = True  # it hung up on the first word
            raise
        if secured is not None:
            self._opened.append(secured)
        return secured
