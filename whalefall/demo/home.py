"""The demo's own directory and environment: nothing of the user's configuration or data is read or written."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from cryptography.fernet import Fernet

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
INSIDE = "WHALEFALL_DEMO"  # "<process id>:<directory>", so that it means nothing to any other process
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a setting of the user's must not reach: the demo has its own database, keys and, because one of its hosts never
# answers, shorter waits.
FOREIGN = ("AGGREGATION_", "DATABASE_", "SYNC_", "Q_", "RETENTION_", "WHALEFALL_", "DJANGO_")


class Ended(BaseException):
    """Somebody ended the demo: Ctrl-C, a signal, a closed terminal."""


def inside() -> Path | None:
    """The demo's directory when this process runs in the demo's environment."""
    process, _, directory = os.environ.get(INSIDE, "").partition(":")
    return Path(directory) if process == str(os.getpid()) else None


def enter(arguments: Sequence[str]) -> NoReturn:
    """Become `manage.py demo`, in this very process, with the demo's environment."""
    directory = tempfile.mkdtemp(prefix="whalefall-demo-")
    command = [sys.executable, str(MANAGE), "demo", *arguments]
    os.execve(sys.executable, command, environment(directory))


def environment(directory: str) -> dict[str, str]:
    """The environment of the demo and of every process that it starts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {
        INSIDE: f"{os.getpid()}:{directory}",
        "DJANGO_SETTINGS_MODULE": "whalefall.settings",
        "WHALEFALL_ENV": "development",
        "WHALEFALL_HOME": directory,
        "WHALEFALL_SECRET_KEY": secrets.token_urlsafe(50),
        "WHALEFALL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "DATABASE_URL": f"sqlite:///{directory}/whalefall.sqlite3",
        "DEBUG": "false",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "CSRF_TRUSTED_ORIGINS": "",
        "SECURE_COOKIES": "false",
        "LOG_LEVEL": "WARNING",
        "SYNC_CONNECT_SECONDS": "2",
        "SYNC_ATTEMPTS": "2",
        "SYNC_BACKOFF_SECONDS": "1",
    }


@contextmanager
def kept_until_the_end(directory: Path) -> Iterator[None]:
    """Remove the directory at the end, and let a signal end the block in order, once."""

    def raise_ended(number: int, frame: FrameType | None) -> None:
        for ending in ENDINGS:  # a second Ctrl-C must not interrupt the clearing up
            signal.signal(ending, signal.SIG_IGN)
        raise Ended

    for ending in ENDINGS:
        signal.signal(ending, raise_ended)
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)
