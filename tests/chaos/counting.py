"""Counts the connections that are open at once to a host, exactly."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress


class CountingHost:
    """Ports of one host, each of which leads to a server; `most` is the largest number of lines open at once.

    One thread sees every event in the order in which they happened: a line that was closed before another one was
    opened never counts together with it.
    """

    def __init__(self, upstreams: list[tuple[str, int]]) -> None:
        self.most = self.lines = self.total = 0
        self._selector = selectors.DefaultSelector()
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._upstreams: dict[socket.socket, tuple[str, int]] = {}
        self._peers: dict[socket.socket, socket.socket] = {}
        for upstream in upstreams:
            server = socket.create_server(("127.0.0.1", 0))
            self._upstreams[server] = upstream
            self._selector.register(server, selectors.EVENT_READ)
        self.addresses = [server.getsockname() for server in self._upstreams]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> CountingHost:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._waker.close()
        self._thread.join(5)
        for line in (*self._upstreams, *self._peers, self._wake):
            line.close()

    def _serve(self) -> None:
        while True:
            ready = [key.fileobj for key, _ in self._selector.select()]
            if self._wake in ready:
                return
            for line in ready:  # whatever ends, ends before what begins
                if line in self._peers:
                    self._pass_on(line)
            for line in ready:
                if line in self._upstreams:
                    self._open(line)

    def _open(self, server: socket.socket) -> None:
        client, _ = server.accept()
        upstream = socket.create_connection(self._upstreams[server])
        for line, peer in ((client, upstream), (upstream, client)):
            self._peers[line] = peer
            self._selector.register(line, selectors.EVENT_READ)
        self.total += 1
        self.lines += 1
        self.most = max(self.most, self.lines)

    def _pass_on(self, line: socket.socket) -> None:
        """All that has arrived, up to the end of the line if that has arrived too."""
        peer = self._peers[line]
        with suppress(BlockingIOError):
            while True:
                try:
                    data = line.recv(1 << 20, socket.MSG_DONTWAIT)
                    if data:
                        peer.sendall(data)
                except ConnectionError:
                    data = b""
                if not data:
                    return self._close(line, peer)

    def _close(self, *lines: socket.socket) -> None:
        self.lines -= 1
        for line in lines:
            self._selector.unregister(line)
            del self._peers[line]
            line.close()
