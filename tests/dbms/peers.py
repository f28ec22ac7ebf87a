"""Peers that a reader may meet instead of a server: silent, talking nonsense, frozen in the middle of a sentence."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TRICKLE_SECONDS = 0.4


@contextmanager
def listener(
    answer: bytes | None, *, keep_open: bool = True, speaks_first: bool = False, host: str = "127.0.0.1"
) -> Iterator[int]:
    """A peer that accepts and sends `answer`, or nothing, to whatever it is told (or before it is told anything)."""
    with socket.create_server((host, 0)) as server:
        held = []

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                held.append(peer)
                if answer is not None:
                    if not speaks_first:
                        peer.recv(4096)
                    peer.sendall(answer)
                if not keep_open:
                    peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for peer in held:
                peer.close()


class Proxy:
    """Passes bytes on between a client and a server until it is told to stop; keeps what the client said.

    Each line freezes by itself once the server has said `freeze_after` bytes on it; 1 is whatever it says at once.
    With `trickles`, or when it is told to, it passes on what the server says byte by byte: too slowly
    for any login, too fast for a time-out that begins again with each byte.
    """

    def __init__(
        self, upstream: tuple[str, int], *, host: str = "127.0.0.1", freeze_after: int = 0, trickles: bool = False
    ) -> None:
        self._upstream = upstream
        self._freeze_after = freeze_after
        self._frozen = threading.Event()
        self._trickles = threading.Event()
        self._closed = threading.Event()
        self._sockets: list[socket.socket] = []
        self._server = socket.create_server((host, 0))
        self.host, self.port = self._server.getsockname()
        self.said = bytearray()
        if trickles:
            self.trickle()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def freeze(self) -> None:
        self._frozen.set()

    def trickle(self) -> None:
        self._trickles.set()

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for line in self._sockets:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # closing alone does not end a line that a thread reads from
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._sockets.append(client)
            if self._frozen.is_set():
                continue
            try:
                upstream = socket.create_connection(self._upstream)
            except OSError:
                client.close()
                continue
            self._sockets.append(upstream)
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pump, args=(source, sink, sink is client), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, by_server: bool) -> None:
        passed = 0
        while True:
            try:
                data = source.recv(65536)
                if not data:
                    return sink.shutdown(socket.SHUT_WR)
                if not by_server:
                    self.said += data
                elif self._freeze_after and passed >= self._freeze_after:
                    continue
                elif self._trickles.is_set():
                    for byte in data:
                        sink.sendall(bytes([byte]))
                        if self._closed.wait(TRICKLE_SECONDS):
                            return None
                    continue
                if not self._frozen.is_set():
                    sink.sendall(data)
                passed += len(data)
            except OSError:  # one end was reset, so the line is no more: neither end may wait for the other
                for end in (source, sink):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                return None
