"""What both twins share: parse, check against the documented catalogue, run on DuckDB."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from tests.twins.catalog import documented, grammar
from tests.twins.catalog.documented import Column, View
from tests.twins.catalog.errors import TwinError, Undocumented, UnknownColumn

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result set: names and DuckDB types of its columns, and its rows."""

    columns: tuple[tuple[str, str], ...]
    rows: list[tuple]


class Twin:
    """One server of a version, empty at first.

    `withheld` are views, in upper case, that its reader may not see at all. `now` is what its clock says.
    """

    db_type = ""
    dialect = ""
    # Scalar functions: DuckDB's type of the result, and the numbers of arguments. What they say is set by `answer`.
    functions: Mapping[str, tuple[str, tuple[int, ...]]] = {}

    # Functions that a dialect's twin works out by itself.
    computed: frozenset[str] = frozenset()

    def __init__(self, *, version: tuple[int, ...]) -> None:
        self.version = version
        self.views = documented.views(self.db_type, version)
        self.withheld: set[str] = set()
        self.now = dt.datetime(2024, 3, 1, 12, 0)
        self._tables: set[str] = set()

    @cached_property
    def _duckdb(self) -> duckdb.DuckDBPyConnection:
        """What runs the statements; whoever only checks them does without."""
        opened = duckdb.connect(":memory:", config={"threads": 1})
        opened.execute("CREATE TABLE answers (function VARCHAR, arguments VARCHAR[], value VARCHAR)")
        for name, (type_, counts) in self.functions.items():
            variants = ", ".join(_macro(name, type_, count) for count in counts)
            opened.execute(f"CREATE MACRO {name.lower()} {variants}")
        return opened

    def answer(self, function: str, *arguments: str | None, value: Any) -> None:
        """What a scalar function says for these arguments; without, it says NULL."""
        if len(arguments) not in self.functions[function.upper()][1]:
            raise Undocumented(f"{function} does not take {len(arguments)} arguments")
        self._duckdb.execute("INSERT INTO answers VALUES (?, ?, ?)", [function.upper(), list(arguments), value])

    def check(self, text: str) -> list[exp.Query]:
        """The queries of a text with every name resolved; raises what the server would say, or why it is refused."""
        return [
            self._resolve(query) for query in grammar.parse(text, self.dialect, self.computed.union(self.functions))
        ]

    def run(self, text: str, *values: Any, **parameters: Any) -> list[Result]:
        """The result sets of a text, in order. `values` are the parameters of a text that has `?` or `@P1` …"""
        parameters |= {f"P{number}": value for number, value in enumerate(values, 1)}
        return [self._execute(query, parameters) for query in self.check(text)]

    def rows(self, text: str, *values: Any, **parameters: Any) -> list[tuple]:
        """The rows of a text of one statement."""
        (result,) = self.run(text, *values, **parameters)
        return result.rows

    # ── each dialect's own ────────────────────────────────────────────────────────────────────────────────────────

    def view_of(self, table: exp.Table) -> View:
        """The view that a table of the text means; raises UnknownObject."""
        raise NotImplementedError

    def _place(self, table: exp.Table) -> str:
        """Where DuckDB keeps the rows of a view that the text names: a qualified table, quoted."""
        raise NotImplementedError

    @cached_property
    def _schema(self) -> MappingSchema:
        """The columns of every view, for sqlglot; it has no say in which of them are withheld."""
        raise NotImplementedError

    def _lint(self, query: exp.Query) -> None:
        """What only this server would object to, once every column is known (`documented_column`)."""

    def _rewrite(self, node: exp.Expression) -> exp.Expression:
        """Into what DuckDB calls it."""
        return node

    # ── checking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _resolve(self, query: exp.Query) -> exp.Query:
        common = {cte.alias.upper() for cte in query.find_all(exp.CTE)}
        for table in query.find_all(exp.Table):
            if table.db or table.name.upper() not in common:
                table.meta["view"] = self.view_of(table)
                table.meta["place"] = self._place(table)
                if not table.alias:
                    table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name)))
        try:
            query = qualify(
                query,
                dialect=self.dialect,
                schema=self._schema,
                validate_qualify_columns=True,
                expand_stars=False,
                expand_alias_refs=False,
            )
        except OptimizeError as error:
            raise UnknownColumn(str(error)) from error
        for scope in traverse_scope(query):
            for column in scope.columns:
                column.meta.update(_origin(scope, column))
        self._compare_with_documented_values(query)
        self._lint(query)
        return query

    def _compare_with_documented_values(self, query: exp.Query) -> None:
        for column in query.find_all(exp.Column):
            known = documented_column(column)
            if known is None or not known.values:
                continue
            for literal in compared_with(column):
                if literal.name.strip() not in known.values:
                    raise Undocumented(f"{known.name} is never {literal.sql(self.dialect)}")

    # ── running ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _execute(self, query: exp.Query, parameters: Row) -> Result:
        for rewrite in (self._located, self._clock, _portable, self._rewrite):
            for node in reversed(list(query.walk())):  # from the leaves up: what is replaced keeps what is below it
                node.replace(rewrite(node))
        text = query.sql(dialect="duckdb", comments=False)
        used = {node.name for node in query.find_all(exp.Parameter, exp.Placeholder)}
        missing = used - parameters.keys()
        if missing:
            raise TwinError(f"no value for {', '.join(sorted(missing))}")
        try:
            cursor = self._duckdb.execute(text, {name: parameters[name] for name in used} or None)
            columns = tuple((name, str(type_)) for name, type_, *_ in cursor.description)
            return Result(columns=columns, rows=cursor.fetchall())
        except duckdb.Error as error:
            raise TwinError(f"{error}\n{text}") from error

    def _located(self, node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Table) and "place" in node.meta:
            table = exp.to_table(node.meta["place"], dialect="duckdb")
            table.set("alias", node.args["alias"].copy())
            return table
        return node

    def _clock(self, node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.CurrentTimestamp):
            return exp.cast(exp.Literal.string(str(self.now)), exp.DataType.Type.TIMESTAMP)
        return node

    def _table(self, schema: str, view: View, collation: str = "") -> str:
        """DuckDB's table for the rows of a view, made when it is first read or filled."""
        table = f'{schema}."{view.name}"'
        if table not in self._tables:
            columns = ", ".join(
                f'"{column.name}" {column.duckdb}{collation if column.base == "SYSNAME" else ""}'
                for column in view.columns.values()
            )
            self._duckdb.execute(f"CREATE TABLE {table} ({columns})")
            self._tables.add(table)
        return table

    def _fill(self, table: str, view: View, rows: Sequence[Row]) -> None:
        stored = [dict(_stored(view, row)) for row in rows]
        for names, alike in groupby(stored, key=tuple):  # together, since each statement has to be understood first
            values = [tuple(row.values()) for row in alike]
            columns = ", ".join(f'"{name}"' for name in names)
            marks = ", ".join([f"({', '.join('?' * len(names))})"] * len(values))
            self._duckdb.execute(f"INSERT INTO {table} ({columns}) VALUES {marks}", list(chain.from_iterable(values)))


def documented_column(node: exp.Expression) -> Column | None:
    """What is documented about a resolved column; None for what is computed."""
    return node.meta.get("documented")


def compared_with(column: exp.Column) -> list[exp.Expression]:
    """The literals that a column is compared with, where it stands."""
    match column.parent:
        case exp.EQ() | exp.NEQ():
            other = column.parent.right if column.parent.left is column else column.parent.left
            others = [other]
        case exp.In():
            others = column.parent.expressions
        case _:
            others = []
    return [other for other in others if isinstance(other, (exp.Literal, exp.National))]


def _origin(scope: Scope, column: exp.Column) -> dict[str, Any]:
    """The documented column that a column of a query shows, through derived tables, and the collation of its texts."""
    source = scope.sources.get(column.table)
    if isinstance(source, exp.Table) and "view" in source.meta:
        known = source.meta["view"].columns.get(column.name.upper())
        return {"documented": known, "collation": source.meta.get("collation")}
    if isinstance(source, Scope) and isinstance(source.expression, exp.Select):
        for selected in source.expression.selects:
            if selected.alias_or_name.upper() == column.name.upper() and isinstance(selected.unalias(), exp.Column):
                inner = selected.unalias()
                return {"documented": documented_column(inner), "collation": inner.meta.get("collation")}
    return {}


def _stored(view: View, row: Row) -> Iterator[tuple[str, Any]]:
    """The columns of a row as the server would store them: padded, and with its description beside a code."""
    for name, value in row.items():
        column = view.columns.get(name.upper())
        if column is None:
            raise UnknownColumn(f"{view.name} has no {name} in this version")
        if column.values and value is not None and str(value) not in column.values:
            raise Undocumented(f"{view.name}.{name} is never {value!r}")
        yield name, value.ljust(column.width) if column.width and value is not None else value
        described = f"{name}_desc"
        if column.values and described.upper() in view.columns and described not in row:
            yield described, column.values.get(str(value))


def _macro(name: str, type_: str, count: int) -> str:
    letters = [f"a{number}" for number in range(1, count + 1)]
    conditions = [f"function = '{name}' AND len(arguments) = {count}"]
    conditions += [f"arguments[{letter[1:]}] IS NOT DISTINCT FROM CAST({letter} AS VARCHAR)" for letter in letters]
    found = f"SELECT CAST(value AS {type_}) FROM memory.main.answers WHERE {' AND '.join(conditions)}"
    return f"({', '.join(letters)}) AS ({found})"


def _portable(node: exp.Expression) -> exp.Expression:
    """Constructs of both dialects that DuckDB would read in another way."""
    match node:
        case exp.With():  # neither dialect writes RECURSIVE
            node.set("recursive", True)
        case exp.Cast() if node.to.is_type(exp.DataType.Type.BIT):  # DuckDB's is a string of bits
            return exp.cast(node.this, exp.DataType.Type.BOOLEAN)
        case exp.Cast() if node.to.is_type(*exp.DataType.TEXT_TYPES) and node.to.expressions[0].name.isdigit():
            # CAST(x AS nvarchar(n)) cuts; DuckDB ignores n
            whole = exp.cast(node.this, "text", dialect="duckdb")
            return exp.Left(this=whole, expression=exp.Literal.number(node.to.expressions[0].name))
        case exp.Placeholder() if node.name:  # :name → $name
            return exp.Parameter(this=exp.var(node.name))
    return node
