"""Oracle Database 12.1 and later."""

from dbms.base import Adapter
from dbms.oracle.accounts import read_accounts
from dbms.oracle.capacity import read_capacity
from dbms.oracle.catalogue import CATALOGUE
from dbms.oracle.connection import DEFAULT_SERVICE, MINIMUM_VERSION, connect
from dbms.oracle.facts import facts, reach
from dbms.oracle.grants import grants
from dbms.oracle.names import written_role
from dbms.oracle.scopes import CATEGORY_SCOPES, HIDDEN_BY
from dbms.oracle.tables import read_tables

adapter = Adapter(
    key="oracle",
    label="Oracle",
    default_port=1521,
    default_database=DEFAULT_SERVICE,
    minimum_version=MINIMUM_VERSION,
    connect=connect,
    read_accounts=read_accounts,
    grants=grants,
    reader_version=2,
    category_scopes=CATEGORY_SCOPES,
    hidden_by=HIDDEN_BY,
    reach=reach,
    written_role=written_role,
    facts=facts,
    facts_version=2,
    read_capacity=read_capacity,
    read_tables=read_tables,
    capacity_grants=grants,
    catalogue=CATALOGUE,
)
