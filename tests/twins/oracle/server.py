"""The listener of the double, on a port of its own on the loopback interface."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tests.twins.oracle.database import Answer, Database
from tests.twins.oracle.errors import LineDropped
from tests.twins.oracle.session import Session

Fault = Exception | Callable[[Session], None]


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server: OracleServer = self.server  # type: ignore[assignment]
        session = Session(server, self.request)
        try:
            session.serve()
        except (EOFError, OSError, LineDropped):
            pass
        except Exception as error:  # of the double itself: the test has to hear of it
            server.crashes.append(error)
        finally:
            session.close()
            server.leave(session)


class OracleServer(socketserver.ThreadingTCPServer):
    """Lets clients in to a `Database`; on one port with TLS and without, as no listener does, to keep tests short."""

    daemon_threads = True
    version_number = 0x13130000  # 19.19

    def __init__(self, database: Database, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.database = database
        self.tls = tls
        self.refuses = 0  # the code that the listener turns everybody away with
        self.redirects_to: int | None = None  # the port that the listener passes everybody on to
        self.received: list[str] = []
        self.crashes: list[Exception] = []
        self._faults: list[tuple[re.Pattern[str], Fault]] = []
        self._sessions: list[Session] = []
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def offers(self, service: str) -> bool:
        """Whether the listener knows the service."""
        return self.database.container_of(service) is not None

    def enter(self, session: Session) -> None:
        with self._lock:
            self._sessions.append(session)

    def leave(self, session: Session) -> None:
        with self._lock, suppress(ValueError):
            self._sessions.remove(session)

    def sessions(self, username: str) -> list[Session]:
        """Who is logged in under a name."""
        with self._lock:
            return [session for session in self._sessions if session.username == username]

    def fault(self, pattern: str, fault: Fault) -> None:
        """Let statements that match end with an error, or wait or fail as a function says."""
        self._faults.append((re.compile(pattern, re.IGNORECASE | re.DOTALL), fault))

    def mend(self) -> None:
        """Take all faults away."""
        self._faults.clear()
        self.refuses = 0
        self.redirects_to = None

    def execute(self, session: Session, sql: str, binds: list[Any]) -> Answer | None:
        """What a statement is answered with; None when it returns no rows. Raises OracleError."""
        self.received.append(sql)
        for pattern, fault in self._faults:
            if pattern.search(sql):
                if isinstance(fault, Exception):
                    raise fault
                fault(session)
        return self.database.execute(session, sql, binds)

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)
        request.close()


@contextmanager
def serving(database: Database, *, tls: ssl.SSLContext | None = None) -> Iterator[OracleServer]:
    """A running double; at its end it must not have met anything that it does not know."""
    server = OracleServer(database, tls=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    if server.crashes:
        raise server.crashes[0]
