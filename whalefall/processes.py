"""Child processes that end with this one: in order when it ends in order, by the kernel when it is killed."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
END_SECONDS = 70  # a worker may take 60 to end what it has begun


def tied(*, ending: signal.Signals, user: tuple[int, int] | None = None) -> Callable[[], None]:
    """A `preexec_fn`: own process group, another (uid, gid) if asked, and `ending` when this process dies."""
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def prepare() -> None:
        os.setsid()
        if user is not None:
            os.setgroups([])
            os.setgid(user[1])
            os.setuid(user[0])
        libc.prctl(PR_SET_PDEATHSIG, ending)  # after setuid, which clears it
        if os.getppid() != parent:  # died between fork and prctl
            os._exit(1)

    return prepare


def start(
    command: Sequence[object],
    *,
    log: Path,
    ending: signal.Signals,
    user: tuple[int, int] | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | str | None = None,
) -> subprocess.Popen[bytes]:
    """A tied child in a process group of its own that writes everything it says to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - commands of our own
            [str(part) for part in command],
            preexec_fn=tied(ending=ending, user=user),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def end(process: subprocess.Popen[bytes], ending: signal.Signals) -> None:
    """Ask a child to end, then kill whatever its process group still holds."""
    process.send_signal(ending)
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(command: Sequence[object], *, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child of this project that ends by SIGTERM when the block is left."""
    process = start(command, log=log, ending=signal.SIGTERM)
    try:
        yield process
    finally:
        end(process, signal.SIGTERM)
