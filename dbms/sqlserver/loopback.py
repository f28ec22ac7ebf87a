"""The end of a line that our own driver connects to: a port of loopback that serves this process and nobody else."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from contextlib import suppress

HOST = "127.0.0.1"
WAITING = 16  # who is not us may stand in front of us, and is sent away at once

CONNECTIONS = "/proc/self/net/tcp"
DESCRIPTORS = "/proc/self/fd"


def listen() -> socket.socket:
    """A listener on a port that the system chooses."""
    return socket.create_server((HOST, 0), backlog=WAITING)


def accept_own(listener: socket.socket, *, deadline: float) -> socket.socket:
    """The first connection that this process made; every other one is closed before a byte is read or sent.

    Raises TimeoutError at the deadline, a time of time.monotonic().
    """
    while True:
        listener.settimeout(max(0.01, deadline - time.monotonic()))
        connection, peer = listener.accept()
        if is_own(peer, connection.getsockname()):
            return connection
        connection.close()


def is_own(client: tuple[str, int], server: tuple[str, int]) -> bool:
    """Whether this process holds the client's end of a TCP connection.

    Linux lists for everybody which socket that is, and for a process its own sockets. True where there is no such list.
    """
    try:
        with open(CONNECTIONS, encoding="ascii") as connections:
            listed = connections.read()
    except FileNotFoundError:
        return True
    found = re.search(rf"^ *\d+: {_written(client)} {_written(server)} (?:\S+ +){{6}}(\d+) ", listed, re.MULTILINE)
    return found is not None and f"socket:[{found[1]}]" in _descriptors()


def _written(address: tuple[str, int]) -> str:
    """An address as the list has it: the host in the machine's order of bytes, the port in that of reading."""
    (host,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{host:08X}:{address[1]:04X}"


def _descriptors() -> set[str]:
    """What the open descriptors of this process are."""
    found = set()
    for number in os.listdir(DESCRIPTORS):
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(f"{DESCRIPTORS}/{number}"))
    return found
