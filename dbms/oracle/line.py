"""An event loop for one connection: it dials the address that it is told, and its line can be cut.

The driver knows no time-out for its login and cannot be interrupted in a thread of its own; as a task it can.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Line(asyncio.SelectorEventLoop):
    """Runs what talks to one server, in the thread that calls `wait_for`. Other threads may call `break_off`."""

    def __init__(self, *, host: str) -> None:
        super().__init__()
        self._server_name = host  # the name that the server's certificate is checked for
        self._work: asyncio.Task[Any] | None = None
        self._opened: list[asyncio.Transport] = []
        self.is_cut = False

    def wait_for(self, work: Coroutine[Any, Any, T], *, seconds: float) -> T:
        """What the work returns. Raises TimeoutError, and asyncio.CancelledError once the line is cut."""
        if self.is_cut:
            work.close()
            raise asyncio.CancelledError
        task = self._work = self.create_task(work)
        try:
            return self.run_until_complete(asyncio.wait_for(task, seconds))
        finally:
            self._work = None

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
        made = await super().create_connection(*args, **options)
        self._opened.append(made[0])
        return made

    async def start_tls(self, transport: Any, protocol: Any, sslcontext: ssl.SSLContext, **options: Any) -> Any:
        # The driver checks names by its own rules, which know no addresses; here the TLS library does it.
        sslcontext.check_hostname = sslcontext.verify_mode is not ssl.CERT_NONE
        options["server_hostname"] = self._server_name
        secured = await super().start_tls(transport, protocol, sslcontext, **options)
        if secured is not None:
            self._opened.append(secured)
        return secured
