"""What a server of one's own is tried by lacks nothing that the suite asks of it."""

from __future__ import annotations

import pytest

from tests.dbms.contract import MySql
from tests.dbms.oracle.real import RealOracle
from tests.dbms.sqlserver.real import RealSqlServer


@pytest.mark.parametrize("subject", [MySql, RealSqlServer, RealOracle])
def test_every_step_is_there(subject):
    assert subject.__abstractmethods__ == frozenset()
