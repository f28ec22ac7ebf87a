"""PostgreSQL 9.6 and later."""

from dbms.base import Adapter
from dbms.postgresql.accounts import CATEGORY_SCOPES, HIDDEN_BY, read_accounts
from dbms.postgresql.capacity import read_capacity
from dbms.postgresql.catalogue import CATALOGUE
from dbms.postgresql.connection import MINIMUM_VERSION, connect
from dbms.postgresql.facts import facts, reach, written_role
from dbms.postgresql.failures import DEFAULT_DATABASE
from dbms.postgresql.grants import capacity_grants, grants
from dbms.postgresql.tables import read_tables

adapter = Adapter(
    key="postgresql",
    label="PostgreSQL",
    default_port=5432,
    default_database=DEFAULT_DATABASE,
    minimum_version=MINIMUM_VERSION,
    connect=connect,
    read_accounts=read_accounts,
    grants=grants,
    reader_version=1,
    category_scopes=CATEGORY_SCOPES,
    hidden_by=HIDDEN_BY,
    reach=reach,
    written_role=written_role,
    facts=facts,
    facts_version=1,
    read_capacity=read_capacity,
    read_tables=read_tables,
    capacity_grants=capacity_grants,
    catalogue=CATALOGUE,
)
