"""A T-SQL engine of other authors reads the same rows out of the same catalogue.

It has one database, no collations and none of the functions about logins and rights: these become NULL for both.
"""

from __future__ import annotations

from collections import Counter

import pytest
from pysqlbridge.catalog import Catalog
from pysqlbridge.source import Table
from pysqlbridge.tds import result
from sqlglot import exp

from dbms import statements
from tests.twins.catalog import grammar
from tests.twins.catalog.sqlserver_sample import SALES, sample

TYPES = {
    "BOOLEAN": result.Bit(),
    "UTINYINT": result.Integer(1),
    "SMALLINT": result.Integer(2),
    "INTEGER": result.Integer(4),
    "BIGINT": result.Integer(8),
    "TIMESTAMP": result.DateTime(),
    "UUID": result.UniqueIdentifier(),
    "BLOB": result.VarBinary(8000),
    "VARCHAR": result.NVarChar(4000),
}


class SecondEngine(Catalog):
    """The catalogue of a twin's database, read by pysqlbridge."""

    def __init__(self, twin):
        super().__init__()
        self._twin = twin

    def get(self, name, schema=None, parameters=None):
        view = self._twin.views.get(f"{schema}.{name}".upper())
        if view is None:
            return super().get(name, schema, parameters)
        known = [column for column in view.columns.values() if column.duckdb in TYPES]
        names = ", ".join(f"v.[{column.name}]" for column in known)
        called = f"({', '.join(['NULL'] * view.arguments)})" if view.arguments else ""
        rows = self._twin.rows(f"SELECT {names} FROM {view.name}{called} AS v")
        columns = [result.Column(column.name, TYPES[column.duckdb]) for column in known]
        return Table(name.lower(), columns, [list(row) for row in rows])


def common_ground(text, twin):
    """The statement in what both engines know, for the twin, and without collations and functions, for the other."""
    (query,) = grammar.parse(text.replace("{database}.", ""), twin.dialect, twin.computed.union(twin.functions))
    for node in reversed(list(query.walk())):
        if isinstance(node, exp.Anonymous) and not isinstance(node.parent, exp.Table):
            node.replace(exp.null())
    text = query.sql(twin.dialect, comments=False)
    for node in list(query.find_all(exp.Collate)):
        node.replace(node.this)
    for table in query.find_all(exp.Table):
        table.set("this", exp.to_identifier(table.this.name))
    return text, query.sql(twin.dialect, comments=False)


@pytest.fixture(scope="module")
def twin():
    twin = sample(2022)
    twin.use(SALES)
    return twin


@pytest.mark.parametrize("statement", statements.load("dbms.sqlserver"), ids=lambda statement: statement.filename)
def test_both_engines_read_the_same_rows(twin, statement):
    text, uncollated = common_ground(statement.text, twin)
    answered = SecondEngine(twin).answer(uncollated)
    assert Counter(map(tuple, answered.rows)) == Counter(twin.rows(text))
