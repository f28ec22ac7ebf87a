"""The way to a server: its addresses, tried in turn within one time-out, and the certificate that it must show."""

from __future__ import annotations

import ipaddress
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from dbms.base import Target
from whalefall.errors import ConnectionRefused, LoginRejected, RemoteError, RemoteTimeout, TlsFailed, UnknownHost

T = TypeVar("T")


def first_answer(target: Target, attempt: Callable[[str, str, float], T]) -> T:
    """What `attempt(address, CA file, seconds)` makes of the first of the host's addresses that lets us in.

    All together get `connect_timeout`, or what is left of the fetch. The CA file's name is empty unless the server's
    certificate is to be checked. Raises RemoteError.
    """
    seconds = min(target.connect_timeout, target.interrupt.seconds_left)
    deadline = time.monotonic() + seconds
    if not all(map(_is_sendable, (target.username, target.password, target.database))):
        raise LoginRejected(**target.address, detail="user name, password or database cannot be sent to a server")
    found = _addresses(target, seconds=seconds)
    failure: RemoteError = RemoteTimeout(**target.address, detail="no address answered")
    with _ca_file(target) as ca:
        for position, address in enumerate(found):
            left = deadline - time.monotonic()
            if position and left <= 0:
                break
            aborted = target.interrupt.error(target)
            if aborted is not None:
                raise aborted
            try:
                connection = attempt(address, ca, left / (len(found) - position))
            except (ConnectionRefused, RemoteTimeout) as error:  # the next address cannot make anything else better
                failure = error
            else:
                target.interrupt.note_connected()
                return connection
    raise failure


def in_time(call: Callable[[], T], *, seconds: float, discard: Callable[[T], object] = lambda late: None) -> T:
    """What a call returns that nothing can end. It works in a thread, which is left behind when it takes too long.

    What comes too late is discarded. Raises TimeoutError.
    """
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return outcome.result(timeout=max(0.0, seconds))
    except TimeoutError:
        outcome.add_done_callback(lambda late: None if late.exception() else discard(late.result()))
        raise


def _is_sendable(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _addresses(target: Target, *, seconds: float) -> list[str]:
    """The host's addresses. The resolver knows no time-out."""
    try:
        return [str(ipaddress.ip_address(target.host))]
    except ValueError:
        pass
    resolve = partial(socket.getaddrinfo, target.host, target.port, type=socket.SOCK_STREAM)
    try:
        found = in_time(resolve, seconds=seconds)
    except TimeoutError:
        raise RemoteTimeout(**target.address, detail="the name servers do not answer") from None
    except (OSError, ValueError) as error:
        raise UnknownHost(**target.address, detail=str(error)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@contextmanager
def _ca_file(target: Target) -> Iterator[str]:
    """A private file with the CA for as long as connecting takes: drivers read certificates from files only."""
    if target.tls_mode != "verify":
        yield ""
        return
    if not target.tls_ca.strip():
        raise TlsFailed(**target.address, detail="checking the server's certificate needs a CA certificate")
    with tempfile.NamedTemporaryFile("w", prefix="whalefall-ca-", suffix=".pem") as file:
        file.write(target.tls_ca)
        file.flush()
        yield file.name
