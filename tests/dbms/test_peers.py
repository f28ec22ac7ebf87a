"""The proxy between a client and a server hides the end of neither."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from tests.dbms.peers import Proxy
from whalefall.demo.servers import free_port

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture
def upstream() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def test_an_upstream_that_resets_the_line_ends_the_clients(upstream):
    with (
        Proxy(upstream.getsockname()) as proxy,
        socket.create_connection((proxy.host, proxy.port), timeout=2) as client,
    ):
        peer, _ = upstream.accept()
        client.sendall(b"hello")
        assert peer.recv(5) == b"hello"
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        peer.close()
        assert client.recv(1) == b""


def test_a_client_that_resets_the_line_ends_the_upstreams(upstream):
    with Proxy(upstream.getsockname()) as proxy:
        client = socket.create_connection((proxy.host, proxy.port), timeout=2)
        peer, _ = upstream.accept()
        peer.settimeout(2)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.close()
        assert peer.recv(1) == b""
        peer.close()


def test_an_upstream_that_is_not_there_ends_one_client_after_another():
    with Proxy(("127.0.0.1", free_port())) as proxy:
        for _ in range(2):
            with socket.create_connection((proxy.host, proxy.port), timeout=2) as client:
                assert client.recv(1) == b""
