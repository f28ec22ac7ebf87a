"""Nobody but our own process is served by the line to a server."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
import time

import pytest

from dbms.sqlserver import loopback, tds
from dbms.sqlserver.line import Line

# The client of another process: says a prelogin and what it is answered.
STRANGER = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as line:
    try:
        line.sendall(bytes.fromhex(sys.argv[2]))
        print(line.recv(100))
    except ConnectionError:
        print(b"")
"""
PRELOGIN = tds.message(tds.PRELOGIN, struct.pack(">BHHB", 1, 6, 1, 0xFF) + bytes([2]))


@pytest.fixture
def line(scene):
    line = Line(scene.target(), scene.server.host, "", seconds=10)
    yield line
    line.shut()


def stranger(port: int) -> str:
    arguments = [sys.executable, "-c", STRANGER, str(port), PRELOGIN.hex()]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=10, check=True).stdout.strip()


def test_another_process_is_sent_away_and_we_are_served_all_the_same(scene, line):
    assert [stranger(line.port) for _ in range(2)] == ["b''", "b''"]
    with socket.create_connection((loopback.HOST, line.port), timeout=5) as own:
        own.sendall(PRELOGIN)
        answer = own.recv(100)
    assert answer[0] == tds.REPLY
    assert tds.encryption_of(answer) == tds.ENCRYPT_NOTHING


def test_one_connection_is_all_that_is_taken(line):
    with socket.create_connection((loopback.HOST, line.port), timeout=5) as own:
        own.sendall(PRELOGIN)
        assert own.recv(100)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((loopback.HOST, line.port), timeout=5)


def test_nobody_is_waited_for_past_the_deadline():
    with loopback.listen() as listener, pytest.raises(TimeoutError):
        loopback.accept_own(listener, deadline=time.monotonic() + 0.05)


def test_each_end_of_a_connection_is_told_by_both_addresses():
    with loopback.listen() as listener, socket.create_connection(listener.getsockname()) as client:
        assert loopback.is_own(client.getsockname(), listener.getsockname())
        assert not loopback.is_own(listener.getsockname(), listener.getsockname())
        assert not loopback.is_own(client.getsockname(), (loopback.HOST, 1))


def test_where_nobody_tells_whose_a_connection_is_it_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(loopback, "CONNECTIONS", tmp_path / "none")
    assert loopback.is_own((loopback.HOST, 1), (loopback.HOST, 2))
