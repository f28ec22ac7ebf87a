"""A WhaleFall with a database of its own, with as many worker hosts as a test wants."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.chaos import category, phases
from whalefall import processes
from whalefall.demo.servers import ThrowawayServer

PATIENCE = 60.0
LEASE = 6
# As short as the system checks let them be: what takes minutes in production takes seconds here.
TIMES = {
    "SYNC_CONNECT_SECONDS": "1",
    "SYNC_STATEMENT_SECONDS": "2",
    "SYNC_FETCH_SECONDS": "10",
    "SYNC_APPLY_SECONDS": "3",
    "SYNC_LEASE_SECONDS": str(LEASE),
    "SYNC_TURN_SECONDS": "5",
    "SYNC_INLINE_SECONDS": "5",
    "SYNC_BACKOFF_SECONDS": "1",
    "Q_TIMEOUT": "120",
    "RETENTION_SECONDS": "30",
    "WORKER_SILENT_SECONDS": "6",
    "DATABASE_LOCK_SECONDS": "5",
}


def bounded(variable: str, default: int) -> int:
    """A size: small in `make test`, larger in `make chaos`."""
    return int(os.environ.get(variable, default))


AT_LENGTH = bool(bounded("CHAOS_AT_LENGTH", 0))
DATABASES = ["postgresql", "sqlite"] if AT_LENGTH else ["postgresql"]  # where one of them is enough for every day


class Host:
    """One `manage.py worker` and everything below it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def members(self) -> dict[str, list[int]]:
        """Its living processes by what they are: main, sentinel, pusher, monitor, workers."""
        found: dict[str, list[int]] = {name: [] for name in ("main", "sentinel", "pusher", "monitor", "worker")}
        with suppress(psutil.NoSuchProcess):
            for main in psutil.Process(self.process.pid).children():
                found["main"].append(main.pid)
                for sentinel in main.children():
                    found["sentinel"].append(sentinel.pid)
                    for child in sentinel.children():
                        with suppress(psutil.NoSuchProcess):
                            words = " ".join(child.cmdline()).split()
                            if len(words) > 2 and child.status() != psutil.STATUS_ZOMBIE:
                                role = words[2] if words[2] in ("pusher", "monitor") else "worker"
                                found[role].append(child.pid)
        return found


class Site:
    """Its database, its environment, and its hosts."""

    def __init__(
        self, home: Path, database: ThrowawayServer | None, name: str = "postgres", **environment: str
    ) -> None:
        self.log = home / "worker.log"
        self.phases = home / "phases"
        self.phases.mkdir()
        self.file = home / "whalefall.sqlite3"
        self.url = f"sqlite:///{self.file}"
        if database is not None:
            self.url = f"postgres://{database.superuser}@{database.host}:{database.port}/{name}"
        self.environment = {
            **os.environ,
            **TIMES,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "WHALEFALL_HOME": str(home),
            "WHALEFALL_ENV": "development",
            "DATABASE_URL": self.url,
            "LOG_LEVEL": "WARNING",
            phases.DIRECTORY: str(self.phases),
            **environment,
        }
        self.hosts: list[Host] = []

    def migrate(self) -> Site:
        """Make the tables."""
        self.manage("migrate", "-v0")
        self.query(category.LEDGER)
        return self

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment, capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def query(self, statement: str, *parameters: object) -> list[tuple]:
        """What the database says, asked from beside WhaleFall; parameters are %s."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self.file, timeout=20, isolation_level=None)) as connection:
                return connection.execute(statement.replace("%s", "?"), parameters).fetchall()
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def start(self, *names: str) -> int:
        """A session over new instances of these names, each on a host of its own; its id."""
        script = (
            "from instances.models import Credential, Instance; from sessions_app import services\n"
            "c = Credential(name='c', username='c'); c.set_password('c'); c.save()\n"
            f"Instance.objects.bulk_create(Instance(name=n, db_type='postgresql', host=n, port=1, credential=c)"
            f" for n in {list(names)!r})\n"
            "s = services.start_session(category='account', sync_type='manual_task',"
            " instances=Instance.objects.all())\n"
            "print(s.pk)"
        )
        return int(self.manage("shell", "-v0", "-c", script).split()[-1])

    @contextmanager
    def host(self, *prefix: str, **environment: str) -> Iterator[Host]:
        """A worker host for as long as the block lasts; nothing of it is left behind."""
        process = processes.start(
            [*prefix, sys.executable, "manage.py", "worker"],
            log=self.log, ending=signal.SIGTERM, environment={**self.environment, **environment},
        )  # fmt: skip
        host = Host(process)
        self.hosts.append(host)
        try:
            self.eventually(lambda: len(host.members()["worker"]) >= 2)
            yield host
        finally:
            self.hosts.remove(host)
            family = [pid for pids in host.members().values() for pid in pids]
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                for pid in (process.pid, *family):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def eventually(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> float:
        """Wait for something that other processes do; how long it took."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() < began + seconds, self.story()
            time.sleep(0.02)
        return time.monotonic() - began

    def completed(self) -> int:
        return self.query("SELECT count(*) FROM sync_instance_records WHERE status = 'completed'")[0][0]

    def when_completed(self, number: int, session: int) -> int:
        """Wait until so many records are completed, or the session is final; how many are."""
        self.eventually(lambda: self.completed() >= number or self.is_final(session), 90)
        return max(number, self.completed())

    def statuses(self) -> dict[str, int]:
        return dict(self.query("SELECT status, count(*) FROM sync_instance_records GROUP BY 1"))

    def status(self, session: int) -> str:
        return self.query("SELECT status FROM sync_sessions WHERE id = %s", session)[0][0]

    def is_final(self, session: int) -> bool:
        return self.status(session) != "running"

    def applied(self) -> dict[int, int]:
        """How often each record was applied, by the ledger that nothing keeps unique."""
        return dict(self.query("SELECT record, count(*) FROM chaos_applied GROUP BY 1"))

    def check_applied_once(self) -> None:
        """Applied and completed are the same fact, for every record."""
        completed = {pk for (pk,) in self.query("SELECT id FROM sync_instance_records WHERE status = 'completed'")}
        assert self.applied() == dict.fromkeys(completed, 1)

    def story(self) -> str:
        records = self.query(
            "SELECT id, status, attempts, lost_count, worker, lease_expires_at"
            " FROM sync_instance_records WHERE status IN ('pending', 'running') ORDER BY id LIMIT 20"
        )
        log = self.log.read_text()[-3000:] if self.log.exists() else ""
        return json.dumps({"statuses": self.statuses(), "open": records}, default=str, indent=1) + log


def names(number: int, prefix: str = "db") -> Sequence[str]:
    return [f"{prefix}{place}" for place in range(number)]
