"""Worker hosts that are hosts to the kernel: network namespaces, of which one is cut off while it works."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.chaos.site import LEASE, Site, names
from whalefall.demo import servers

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(300)]

RECORDS = 120


def ip(*arguments: str) -> bool:
    return subprocess.run(["ip", *arguments], capture_output=True).returncode == 0


@contextmanager
def machine(number: int, subnet: str) -> Iterator[tuple[str, str]]:
    """A network namespace with one cable to this one: its name, and our end of the cable."""
    name, ours, theirs = (
        f"whale{os.getpid()}n{number}",
        f"wf{os.getpid() % 100000}a{number}",
        f"wf{os.getpid() % 100000}b{number}",
    )
    if not ip("netns", "add", name):
        pytest.skip("this machine allows no network namespaces")
    try:
        assert ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
        assert ip("addr", "add", f"{subnet}.1/24", "dev", ours)
        assert ip("link", "set", ours, "up")
        assert ip("-n", name, "addr", "add", f"{subnet}.2/24", "dev", theirs)
        assert ip("-n", name, "link", "set", theirs, "up")
        assert ip("-n", name, "link", "set", "lo", "up")
        yield name, ours
    finally:
        ip("link", "del", ours)
        ip("netns", "del", name)


@pytest.fixture
def subnets() -> list[str]:
    """Two of the networks for benchmarks (RFC 2544), which nobody routes."""
    return [f"198.18.{(os.getpid() + number) % 250}" for number in (0, 1)]


def test_a_host_that_is_cut_off_loses_its_records_to_the_other_one(tmp_path, subnets):
    binaries = servers.installed_postgresql()
    assert binaries, "install the package postgresql"
    trust = "host all all 127.0.0.1/32 trust\nhost all all 198.18.0.0/15 trust\nlocal all all trust\n"
    with ExitStack() as stack:
        machines = [stack.enter_context(machine(number, subnet)) for number, subnet in enumerate(subnets)]
        addresses = ",".join(["127.0.0.1", *(f"{subnet}.1" for subnet in subnets)])
        database = stack.enter_context(
            servers.postgresql(binaries, settings={"listen_addresses": addresses}, hba=trust)
        )
        site = Site(tmp_path, database, CHAOS_FETCH_SECONDS="0.4-0.8").migrate()
        for (name, _), subnet in zip(machines, subnets, strict=True):
            url = site.url.replace(database.host, f"{subnet}.1")
            stack.enter_context(site.host("ip", "netns", "exec", name, DATABASE_URL=url))
        session = site.start(*names(RECORDS))
        site.eventually(lambda: running_on(site) == set(subnets))
        ip("link", "set", machines[0][1], "down")
        took = site.eventually(lambda: site.is_final(session), 2 * LEASE + 60)
        print(f"final {took:.1f} s after the cut")
        assert site.statuses() == {"completed": RECORDS}, site.story()
        site.check_applied_once()
        ip("link", "set", machines[0][1], "up")


def running_on(site: Site) -> set[str]:
    """The networks of the clients that our database serves."""
    rows = site.query("SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE application_name = 'whalefall'")
    return {address.rpartition(".")[0] for (address,) in rows if address and not address.startswith("127.")}
