"""A SQL Server instance: databases with their own catalogue views, and one set of those of the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from sqlglot import exp
from sqlglot.dialects.tsql import TSQL
from sqlglot.schema import MappingSchema

from tests.twins.catalog.documented import View
from tests.twins.catalog.errors import Conflict, Refused, UnknownObject
from tests.twins.catalog.twin import Row, Twin, compared_with, documented_column

# The first version number of each release, as SERVERPROPERTY('ProductVersion') has it.
RELEASES = {10: 2008, 11: 2012, 12: 2014, 13: 2016, 14: 2017, 15: 2019, 16: 2022, 17: 2025}
# Functions that return sql_variant, which no client should have to guess.
VARIANT = {"SERVERPROPERTY", "LOGINPROPERTY", "DATABASEPROPERTYEX"}


class ExactTSQL(TSQL):
    """T-SQL in which SUSER_SNAME() stays what it is: sqlglot takes it for CURRENT_USER, who is somebody else."""

    class Parser(TSQL.Parser):
        FUNCTIONS = {name: build for name, build in TSQL.Parser.FUNCTIONS.items() if name != "SUSER_SNAME"}


class SqlServerTwin(Twin):
    """`current` is the database that names without one mean.

    With `case_sensitive` names that differ in letter case only are different, as under a …_CS_… collation.
    """

    db_type = "sqlserver"
    dialect = "exacttsql"
    functions = {
        "SERVERPROPERTY": ("VARCHAR", (1,)),
        "LOGINPROPERTY": ("VARCHAR", (2,)),
        "DATABASEPROPERTYEX": ("VARCHAR", (2,)),
        "HAS_DBACCESS": ("INTEGER", (1,)),
        "HAS_PERMS_BY_NAME": ("INTEGER", (3,)),
        "IS_SRVROLEMEMBER": ("INTEGER", (1, 2)),
        "DB_NAME": ("VARCHAR", (0,)),
        "SUSER_SNAME": ("VARCHAR", (0,)),
    }
    computed = frozenset({"QUOTENAME"})

    def __init__(self, *, version: tuple[int, ...], case_sensitive: bool = False) -> None:
        super().__init__(version=(RELEASES.get(version[0], version[0]),))
        self.current = "master"
        self.case_sensitive = case_sensitive
        self._places: dict[str, str] = {}
        self.database("master")

    @property
    def databases(self) -> list[str]:
        return list(self._places)

    def server(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Fill views of the server: {"sys.server_principals": [{"name": …}, …]}."""
        self.database("master", rows)

    def database(self, name: str, rows: Mapping[str, Sequence[Row]] | None = None) -> None:
        """Make a database, unless it is there, and fill views of its catalogue. It is listed only if sys.databases is
        filled too."""
        if self._key(name) is None:
            place = self._places[name] = f"db{len(self._places)}"
            self._duckdb.execute(f"CREATE SCHEMA {place}")
        for written, values in (rows or {}).items():
            view = self.views[written.upper()]
            self._fill(self._stored_in(self._place_of(view, name), view), view, values)

    def use(self, name: str) -> None:
        """`USE name`."""
        if self._key(name) is None:
            raise UnknownObject(f"Database '{name}' does not exist.")
        self.current = name

    def _key(self, name: str) -> str | None:
        same = str if self.case_sensitive else str.casefold
        return next((known for known in self._places if same(known) == same(name)), None)

    def _place_of(self, view: View, database: str) -> str:
        return self._places["master" if view.scope == "server" else self._key(database)]

    def _stored_in(self, place: str, view: View) -> str:
        return self._table(place, view, "" if self.case_sensitive else " COLLATE NOCASE")

    def view_of(self, table: exp.Table) -> View:
        view = self.views.get(f"{table.db}.{table.this.name}".upper())
        if view is None or view.name.upper() in self.withheld:
            raise UnknownObject(f"Invalid object name '{table.sql(self.dialect)}'.")
        if len(table.this.expressions) != view.arguments:
            raise UnknownObject(f"'{view.name}' takes {view.arguments} arguments.")
        if view.arguments:
            table.set("this", exp.to_identifier(table.this.name))
        if table.catalog and self._key(table.catalog) is None:
            raise UnknownObject(f"Database '{table.catalog}' does not exist.")
        return view

    def _place(self, table: exp.Table) -> str:
        view = table.meta["view"]
        database = self._place_of(view, table.catalog or self.current)
        # Views of the server are in the server's collation whatever database they are read through.
        table.meta["collation"] = "server" if view.scope == "server" else database
        table.set("catalog", None)
        return self._stored_in(database, view)

    @cached_property
    def _schema(self) -> MappingSchema:
        tables = {
            view.name.partition(".")[2]: {column.name: column.type for column in view.columns.values()}
            for view in self.views.values()
        }
        return MappingSchema({"sys": tables}, dialect=self.dialect)

    # ── what SQL Server objects to ────────────────────────────────────────────────────────────────────────────────

    def _lint(self, query: exp.Query) -> None:
        for function in query.find_all(exp.Anonymous):
            if function.name.upper() in VARIANT and not isinstance(function.parent, exp.Cast):
                raise Refused(f"cast the sql_variant: {function.sql(self.dialect)}")
        for extreme in query.find_all(exp.Max, exp.Min):
            column = documented_column(extreme.this)
            if column and column.base == "BIT":
                raise Refused(f"error 8117, bit is no operand of it: {extreme.sql(self.dialect)}")
        for union in query.find_all(exp.Union):
            for half in (union.left, union.right):
                for selected in half.selects if isinstance(half, exp.Select) else ():
                    for column in _texts(selected):
                        raise Conflict(f"error 451, {column.sql(self.dialect)} in UNION ALL without COLLATE")
        for node in query.find_all(exp.EQ, exp.NEQ, exp.In, exp.Coalesce, exp.Case):
            if len({_collation(column) for column in _texts(node)}) > 1:
                raise Conflict(f"error 468, texts of several collations in {node.sql(self.dialect)}")

    def _rewrite(self, node: exp.Expression) -> exp.Expression:
        match node:
            case exp.Collate():
                return node.this
            case exp.National():
                return exp.Literal.string(node.name)
            case exp.Anonymous() if node.name.upper() == "DB_NAME":
                return exp.Literal.string(self.current)
            case exp.Anonymous() if node.name.upper() == "QUOTENAME":
                doubled = exp.func("replace", *node.expressions, exp.Literal.string("]"), exp.Literal.string("]]"))
                opened = exp.DPipe(this=exp.Literal.string("["), expression=doubled)
                return exp.DPipe(this=opened, expression=exp.Literal.string("]"))
            case exp.Anonymous():
                return exp.Anonymous(this=f"memory.main.{node.name.lower()}", expressions=node.expressions)
            case exp.Column() if documented_column(node) and documented_column(node).width:
                # Blanks at the end do not count in a comparison.
                for literal in compared_with(node):
                    literal.set("this", literal.name.ljust(documented_column(node).width))
        return node


def _texts(node: exp.Expression | None) -> Iterator[exp.Column]:
    """The text columns whose values a node gives or compares and that no COLLATE covers."""
    match node:
        case exp.Column():
            known = documented_column(node)
            if known is not None and known.is_text:
                yield node
            inner = []
        case exp.Alias() | exp.Paren():
            inner = [node.this]
        case exp.EQ() | exp.NEQ():
            inner = [node.left, node.right]
        case exp.In() | exp.Coalesce():
            inner = [node.this, *node.expressions]
        case exp.Case():
            inner = [*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")]
        case _:
            inner = []
    for part in inner:
        yield from _texts(part)


def _collation(column: exp.Column) -> str:
    """Names have their database's collation; descriptions and codes that of the catalogue itself."""
    return column.meta["collation"] if documented_column(column).base == "SYSNAME" else "catalogue"
