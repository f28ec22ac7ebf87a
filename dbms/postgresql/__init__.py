"""PostgreSQL 9.6 and later."""

from dbms.base import Adapter
from dbms.postgresql.accounts import CATEGORIES_BY_DATABASE, read_accounts
from dbms.postgresql.connection import connect
from dbms.postgresql.facts import facts, reach

adapter = Adapter(
    key="postgresql",
    label="PostgreSQL",
    default_port=5432,
    default_database="postgres",
    minimum_version=(9, 6),
    connect=connect,
    read_accounts=read_accounts,
    reader_version=1,
    database_categories=CATEGORIES_BY_DATABASE,
    reach=reach,
    facts=facts,
    facts_version=1,
)
