"""The line between the driver and a server.

The driver has neither a CA of our choice, nor an end to its patience with a closed port, nor a socket that could be
shut down, and it keeps the server's error numbers to itself. So it connects to a port of loopback that takes one
connection, of this process. From there this module speaks to the server: it encrypts and checks the certificate, reads
what is answered to the login, and passes everything after that on as it is.

What goes over loopback is not encrypted, the login with its password included. Another process on the machine cannot
take the port, which is ours before the driver hears of it, and cannot have its own connection served. What remains:
whoever may capture the packets of the machine (root, CAP_NET_RAW) or trace this process can read what passes, and
could as well read the password where it comes from; and where there is no /proc nobody tells whose a connection is.
"""

from __future__ import annotations

import math
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from functools import partial

from dbms.base import Target
from dbms.sqlserver import loopback, tds
from dbms.sqlserver.tds import LoginAnswer, Malformed
from whalefall.errors import ConnectionRefused, ProtocolViolation, RemoteError, RemoteTimeout, TlsFailed

CHUNK = 65536
POLL_SECONDS = 0.5
OLD_CERTIFICATES = "DEFAULT:@SECLEVEL=0"  # what servers of 2012 make for themselves


class Line:
    """An open line to a server; `port` of loopback is where the driver finds it.

    `answer` holds what the server said to the login. `failure` says why the line ended; the driver only knows that it
    did. `patience` bounds, in seconds, a silence of the server while an answer is awaited.
    """

    def __init__(self, target: Target, address: str, ca: str, *, seconds: float) -> None:
        self.answer = LoginAnswer()
        self.failure: RemoteError | None = None
        self._target = target
        self._deadline = time.monotonic() + seconds
        self._patience = math.inf
        self._waits_since = 0.0
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._context = _context(target, ca)
        self._server = self._connect(address)
        self._listener = loopback.listen()
        self._driver: socket.socket | None = None
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, name=f"line to {target.host}", daemon=True).start()

    def expect(self, seconds: float) -> None:
        """An answer is awaited from now on; the line ends when the server is silent for longer than this."""
        self._waits_since = time.monotonic()
        self._patience = seconds

    def relax(self) -> None:
        """No answer is awaited."""
        self._patience = math.inf

    def shut(self) -> None:
        """End the line at once, whoever waits for what."""
        for end in (self._server, self._driver, self._listener):
            if end is not None:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _connect(self, address: str) -> socket.socket:
        try:
            server = socket.create_connection((address, self._target.port), timeout=max(0.01, self._seconds_left))
        except TimeoutError as error:
            raise RemoteTimeout(**self._target.address, detail="no answer to the connection request") from error
        except OSError as error:
            raise ConnectionRefused(**self._target.address, detail=error.strerror or str(error)) from error
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server

    @property
    def _seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def _run(self) -> None:
        try:
            with self._listener:
                driver = loopback.accept_own(self._listener, deadline=self._deadline)
            self._driver = driver
            self._log_in(driver)
            self._pass_on(driver)
        except TimeoutError:
            self.failure = RemoteTimeout(**self._target.address, detail="the login took too long")
        except RemoteError as error:
            self.failure = error
        except ssl.SSLError as error:
            self.failure = TlsFailed(**self._target.address, detail=error.reason or str(error))
        except Malformed as error:
            self.failure = ProtocolViolation(**self._target.address, detail=f"{error} is not from SQL Server")
        except EOFError:
            self.failure = ProtocolViolation(**self._target.address, detail="the server closed the connection")
        except (OSError, ValueError) as error:
            self.failure = ProtocolViolation(**self._target.address, detail=str(error))
        finally:
            self.shut()
            for end in (self._server, self._driver):
                if end is not None:
                    end.close()

    # The login ------------------------------------------------------------------------------------------------

    def _log_in(self, driver: socket.socket) -> None:
        """Pass on prelogin and login message by message, the server's side of it encrypted as the target says."""
        of_driver = partial(self._exactly, driver)
        wanted = tds.ENCRYPT_LOGIN if self._target.tls_mode == "disable" else tds.ENCRYPT_ALL
        request = tds.with_encryption(tds.read_message(of_driver, tds.PRELOGIN), wanted)
        self._send(request)
        reply = tds.read_message(self._of_server, tds.REPLY)
        agreed = tds.encryption_of(reply)
        if agreed == tds.ENCRYPT_NOTHING and wanted == tds.ENCRYPT_ALL:
            raise TlsFailed(**self._target.address, detail="the server offers no TLS")
        if agreed != tds.ENCRYPT_NOTHING:
            self._encrypt()
        driver.sendall(tds.with_encryption(reply, tds.ENCRYPT_NOTHING))
        self._send(tds.read_message(of_driver, tds.LOGIN))
        if agreed == tds.ENCRYPT_LOGIN and wanted == tds.ENCRYPT_LOGIN:
            self._tls = None  # the login alone is encrypted, so that no password travels in the open
        answer = tds.read_message(self._of_server, tds.REPLY)
        self.answer = tds.login_answer(answer)
        if self.answer.routed_to:
            # The driver would go there by itself, past this line and everything that it checks.
            detail = f"the server sends its clients to {self.answer.routed_to}: name that one"
            raise ConnectionRefused(**self._target.address, detail=detail)
        driver.sendall(answer)

    def _encrypt(self) -> None:
        """Shake hands, in messages of the prelogin's kind."""
        name = self._target.host if self._target.tls_mode == "verify" else None
        tls = self._context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                if data := self._outgoing.read():
                    self._send(tds.message(tds.PRELOGIN, data))
                self._incoming.write(tds.body_of(tds.read_message(self._of_server, tds.PRELOGIN)))
            else:
                if data := self._outgoing.read():
                    self._send(tds.message(tds.PRELOGIN, data))
                self._tls = tls
                return

    def _send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self._server.sendall(data)

    def _of_server(self, number: int) -> bytes:
        if self._tls is None:
            return self._exactly(self._server, number)
        found = b""
        while len(found) < number:
            try:
                found += self._tls.read(number - len(found))
            except ssl.SSLWantReadError:
                self._incoming.write(self._received(self._server, CHUNK))
        return found

    def _exactly(self, end: socket.socket, number: int) -> bytes:
        found = b""
        while len(found) < number:
            found += self._received(end, number - len(found))
        return found

    def _received(self, end: socket.socket, number: int) -> bytes:
        if self._seconds_left <= 0:
            raise TimeoutError
        end.settimeout(self._seconds_left)
        data = end.recv(number)
        if not data:
            raise EOFError
        return data

    # Afterwards -----------------------------------------------------------------------------------------------

    def _pass_on(self, driver: socket.socket) -> None:
        """Pass on whatever comes, until one of the ends hangs up or the server is silent for too long."""
        server = self._server
        for end in (driver, server):
            end.settimeout(None)
        while True:
            readable, _, _ = select.select((driver, server), (), (), POLL_SECONDS)
            if driver in readable:
                said = driver.recv(CHUNK)
                if not said:
                    return
                self._send(said)
            if server in readable:
                heard = server.recv(CHUNK)
                if not heard:
                    raise EOFError
                self._waits_since = time.monotonic()
                driver.sendall(heard if self._tls is None else self._decrypted(self._tls, heard))
            elif time.monotonic() - self._waits_since > self._patience:
                detail = f"silent for longer than {self._patience:g} s"
                raise RemoteTimeout(**self._target.address, detail=detail)

    def _decrypted(self, tls: ssl.SSLObject, heard: bytes) -> bytes:
        self._incoming.write(heard)
        found = b""
        while True:
            try:
                data = tls.read(CHUNK)
            except ssl.SSLWantReadError:
                return found
            if not data:
                return found
            found += data


def _context(target: Target, ca: str) -> ssl.SSLContext:
    """How the server's side is encrypted: checked with a CA, or, in the other modes, with whatever it shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # TDS 7 knows no newer one
    if target.tls_mode != "verify":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(OLD_CERTIFICATES)
        return context
    try:
        context.load_verify_locations(ca)
    except (ssl.SSLError, OSError) as error:
        raise TlsFailed(**target.address, detail="the CA certificate cannot be read") from error
    return context
