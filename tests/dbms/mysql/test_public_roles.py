"""A role that was granted to PUBLIC: what everybody becomes by it, without a word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import MySQLdb
import pytest

import dbms
from dbms.base import Target
from dbms.mysql.facts import reach
from whalefall.demo import servers
from whalefall.demo.servers import ThrowawayServer


@pytest.fixture
def open_to_all(mariadb: ThrowawayServer) -> Iterator[ThrowawayServer]:
    """A server whose PUBLIC is a member of a role with SUPER."""
    socket = str(mariadb.directory / servers.MARIADB_SOCKET)
    with closing(MySQLdb.connect(unix_socket=socket, user="root")) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE ROLE opened")
        cursor.execute("GRANT SUPER ON *.* TO opened")
        cursor.execute("GRANT opened TO PUBLIC")
        cursor.execute("CREATE USER passer_by@'127.0.0.1' IDENTIFIED BY 'by'")
        yield mariadb
        cursor.execute("REVOKE opened FROM PUBLIC")
        cursor.execute("DROP USER passer_by@'127.0.0.1'")
        cursor.execute("DROP ROLE opened")


@pytest.mark.xfail(strict=True, reason="only what PUBLIC holds itself is passed on, not what its roles hold")
def test_a_role_with_super_that_public_is_a_member_of_makes_everybody_a_superuser(open_to_all: ThrowawayServer) -> None:
    host, port = open_to_all.host, open_to_all.port
    with closing(MySQLdb.connect(host=host, port=port, user="passer_by", password="by")) as connection:
        connection.query("SET GLOBAL max_connections = @@GLOBAL.max_connections")  # refused without SUPER
    adapter = dbms.get("mysql")
    with adapter.connect(Target(db_type="mysql", host=host, port=port, username="root", password="")) as connection:
        reached = reach(adapter.read_accounts(connection).accounts)
    assert "SUPERUSER" in reached["passer_by", "127.0.0.1", False].capability_reasons
