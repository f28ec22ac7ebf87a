"""SQL Server 2012 and later."""

from dbms.base import Adapter
from dbms.sqlserver.accounts import CATEGORY_SCOPES, HIDDEN_BY, read_accounts
from dbms.sqlserver.capacity import read_capacity, read_tables
from dbms.sqlserver.catalogue import CATALOGUE
from dbms.sqlserver.connection import MINIMUM_VERSION, connect
from dbms.sqlserver.facts import facts, reach, written_role
from dbms.sqlserver.failures import DEFAULT_DATABASE
from dbms.sqlserver.grants import capacity_grants, grants

adapter = Adapter(
    key="sqlserver",
    label="SQL Server",
    default_port=1433,
    default_database=DEFAULT_DATABASE,
    minimum_version=MINIMUM_VERSION,
    connect=connect,
    read_accounts=read_accounts,
    grants=grants,
    reader_version=4,
    category_scopes=CATEGORY_SCOPES,
    hidden_by=HIDDEN_BY,
    reach=reach,
    written_role=written_role,
    facts=facts,
    facts_version=2,
    read_capacity=read_capacity,
    read_tables=read_tables,
    capacity_grants=capacity_grants,
    catalogue=CATALOGUE,
)
