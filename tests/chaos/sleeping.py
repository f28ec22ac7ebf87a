"""The account category on servers that take a minute for their answer."""

from __future__ import annotations

import dbms
from accounts_sync.sync import AccountSync
from dbms.base import Target
from dbms.snapshots import AccountsSnapshot
from tests.dbms.contract import MySql, PostgreSql

SLEEP = {subject.key: subject.sleep for subject in (PostgreSql, MySql)}


class Sleeping(AccountSync):
    """Has the server sleep before it reads the accounts, in the same connection."""

    def fetch(self, target: Target) -> AccountsSnapshot:
        adapter = dbms.get(target.db_type)
        with adapter.connect(target) as connection:
            with connection._driver.cursor() as cursor:
                cursor.execute(SLEEP[target.db_type])
                cursor.fetchall()
            return adapter.read_accounts(connection)
