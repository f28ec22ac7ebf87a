"""What a server says before anybody logs in, read without the client library.

MariaDB's client library takes a plain connection when a server offers no TLS, however much TLS is required of it; the
user's name and the answer to the server's challenge would cross the network in the open.
"""

from __future__ import annotations

import socket
import time

PROTOCOL_VERSION = 10  # "Protocol::HandshakeV10" in MySQL's source documentation
CLIENT_SSL = 0x0800  # "Capabilities Flags"
HEADER_BYTES, THREAD_AND_CHALLENGE_BYTES = 4, 13


# Asked once by each process: a connection that hangs up before it logs in counts as aborted, and as an error of ours.
_offering: set[tuple[str, int]] = set()


def offers_tls(address: str, port: int, *, seconds: float) -> bool | None:
    """Whether the server would encrypt; None when it says nothing that can be understood, or nothing in time."""
    if (address, port) in _offering:
        return True
    offer = _ask(address, port, seconds)
    if offer:
        _offering.add((address, port))
    return offer


def _ask(address: str, port: int, seconds: float) -> bool | None:
    deadline = time.monotonic() + seconds
    try:
        with socket.create_connection((address, port), timeout=seconds) as line:
            packet = _received(line, HEADER_BYTES, deadline)
            packet = _received(line, int.from_bytes(packet[:3], "little"), deadline)
    except OSError:
        return None
    if packet[:1] != bytes([PROTOCOL_VERSION]):
        return None
    start = packet.find(b"\0") + 1 + THREAD_AND_CHALLENGE_BYTES  # behind the version
    return bool(int.from_bytes(packet[start : start + 2], "little") & CLIENT_SSL)


def _received(line: socket.socket, number: int, deadline: float) -> bytes:
    """So many bytes. Raises OSError when they do not come in time."""
    found = b""
    while len(found) < number:
        line.settimeout(max(0.001, deadline - time.monotonic()))
        more = line.recv(number - len(found))
        if not more:
            raise ConnectionResetError
        found += more
    return found
