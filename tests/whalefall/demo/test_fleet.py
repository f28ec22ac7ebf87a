"""The demo's servers, asked by somebody else than WhaleFall: who gets in, and what the monitoring account may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import MySQLdb
import pytest

from whalefall.demo import servers
from whalefall.demo.fleet import MONITOR, mariadb
from whalefall.demo.servers import ThrowawayServer

PASSWORD = "a quote ' and a backslash \\"
GRANT_TABLES = ("columns_priv", "db", "global_priv", "procs_priv", "proxies_priv", "roles_mapping", "tables_priv")


@pytest.fixture(scope="module")
def blog() -> Iterator[ThrowawayServer]:
    """The demo's MariaDB, filled."""
    binary = mariadb.MARIADB.find()
    assert binary, "install the package mariadb-server-core"
    with mariadb.MARIADB.start(binary) as server:
        mariadb.BLOG.fill(server, PASSWORD)
        yield server


def asked(server: ThrowawayServer, statement: str) -> list[tuple[Any, ...]]:
    """What root sees through the socket."""
    socket = str(server.directory / servers.MARIADB_SOCKET)
    connection = MySQLdb.connect(unix_socket=socket, user="root", charset="utf8mb4")
    with closing(connection), closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_from_the_network_nobody_gets_into_the_mariadb_server_without_a_password(blog: ThrowawayServer) -> None:
    names = [name for (name,) in asked(blog, "SELECT DISTINCT User FROM mysql.global_priv")]
    assert {"root", "", MONITOR, "blog_app"} <= set(names)
    for name in (*names, "somebody"):
        with pytest.raises(MySQLdb.OperationalError, match="Access denied"):
            # An empty name would be taken for that of the operating system's user.
            MySQLdb.connect(host=blog.host, port=blog.port, user=name or "?", password="", charset="utf8mb4")


def test_the_monitoring_account_of_the_mariadb_server_reads_no_more_than_grant_tables_and_sizes(
    blog: ThrowawayServer,
) -> None:
    account = f"`{MONITOR}`@`{blog.host}`"
    grants = sorted(grant for (grant,) in asked(blog, f"SHOW GRANTS FOR {account}") if "IDENTIFIED BY" not in grant)
    assert grants == [f"GRANT SELECT ON `mysql`.`{table}` TO {account}" for table in GRANT_TABLES]
    (login,) = (grant for (grant,) in asked(blog, f"SHOW GRANTS FOR {account}") if "IDENTIFIED BY" in grant)
    assert login.startswith(f"GRANT PROCESS, SHOW DATABASES, SHOW VIEW ON *.* TO {account} IDENTIFIED BY")
    with closing(MySQLdb.connect(host=blog.host, port=blog.port, user=MONITOR, password=PASSWORD)) as connection:
        connection.query("SELECT 1")
