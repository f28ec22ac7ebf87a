"""A private Redis server, from the binary in the package redis-tools: redis-server itself would start a service."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from whalefall.demo.servers import free_port


@contextmanager
def redis_server(home: Path) -> Iterator[str]:
    """The URL of a server that keeps nothing and ends with the block."""
    binary = shutil.which("redis-server") or shutil.which("redis-check-rdb")  # one program, told apart by its name
    assert binary, "install the package redis-tools"
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home), "--loglevel", "warning"]
    process = subprocess.Popen(["redis-server", *arguments], executable=binary, stdout=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        deadline = time.monotonic() + 10
        while True:
            try:
                client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)
