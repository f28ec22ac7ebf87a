"""MySQL 5.7 and later, MariaDB 10.4 and later."""

from dbms.base import Adapter
from dbms.mysql.accounts import read_accounts
from dbms.mysql.capacity import read_capacity
from dbms.mysql.catalogue import CATALOGUE
from dbms.mysql.connection import MINIMUM_VERSIONS, connect
from dbms.mysql.facts import facts, reach
from dbms.mysql.grants import capacity_grants, grants
from dbms.mysql.names import written_role
from dbms.mysql.scopes import CATEGORY_SCOPES, HIDDEN_BY
from dbms.mysql.tables import read_tables

adapter = Adapter(
    key="mysql",
    label="MySQL / MariaDB",
    default_port=3306,
    default_database="",
    minimum_version=MINIMUM_VERSIONS[""],
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
