"""An Oracle database: a root or a plain database, and containers, each with its own dictionary views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from sqlglot import exp
from sqlglot.schema import MappingSchema

from tests.twins.catalog.documented import Column, View
from tests.twins.catalog.errors import UnknownObject
from tests.twins.catalog.twin import Row, Twin

CON_ID = Column(name="CON_ID", type="NUMBER", since=(12, 1), values={})


class OracleTwin(Twin):
    """`current` is the container that the reader is connected to; `root` that of which CDB_ views show the others.

    `visible` are the containers whose rows the reader's CONTAINER_DATA lets CDB_ views show in the root.
    """

    db_type = "oracle"
    dialect = "oracle"
    functions = {"SYS_CONTEXT": ("VARCHAR", (2,))}
    computed = frozenset({"SYS_EXTRACT_UTC"})

    def __init__(self, *, version: tuple[int, ...], root: str = "CDB$ROOT", con_id: int = 1) -> None:
        super().__init__(version=version)
        for view in [view for view in self.views.values() if view.cdb]:
            name = view.name.replace("DBA_", "CDB_", 1)
            self.views[name] = replace(view, name=name, cdb=False, columns={**view.columns, "CON_ID": CON_ID})
        self._places: dict[str, tuple[str, int]] = {}
        self.current = self.root = root
        self.visible: set[str] = set()
        self.database(root, con_id=con_id)

    def server(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Fill views of the root, or of a database without containers: {"DBA_USERS": [{"USERNAME": …}, …]}."""
        self.database(self.root, rows)

    def database(self, name: str, rows: Mapping[str, Sequence[Row]] | None = None, *, con_id: int = 0) -> None:
        """Make a container, unless it is there, and fill its views; CDB_ views follow from the DBA_ views of all.

        It is visible to CDB_ views of the root at once; take it out of `visible` for what is not open or not shown.
        """
        if name not in self._places:
            place = f"con{len(self._places)}"
            self._places[name] = (place, con_id)
            self.visible.add(name)
            self._duckdb.execute(f"CREATE SCHEMA {place}")
            self.database(name, {"DUAL": [{"DUMMY": "X"}]})
        for written, values in (rows or {}).items():
            view = self.views[written.upper()]
            self._fill(self._table(self._places[name][0], view), view, values)

    def use(self, name: str) -> None:
        """`ALTER SESSION SET CONTAINER = name`."""
        if name not in self._places:
            raise UnknownObject(f"ORA-65011: Pluggable database {name} does not exist.")
        self.current = name

    def view_of(self, table: exp.Table) -> View:
        name = table.name.upper()
        if name not in self.views or name in self.withheld or table.db.upper() not in {"", "SYS"}:
            raise UnknownObject(f"ORA-00942: table or view does not exist: {table.sql(self.dialect)}")
        table.set("db", None)
        return self.views[name]

    def _place(self, table: exp.Table) -> str:
        view = table.meta["view"]
        if not view.name.startswith("CDB_"):
            return self._table(self._places[self.current][0], view)
        base = self.views[view.name.replace("CDB_", "DBA_", 1)]
        shown = self.visible if self.current == self.root else {self.current}
        halves = [
            f'SELECT *, CAST({con_id} AS DECIMAL(38,0)) AS "CON_ID" FROM {self._table(place, base)}'
            for container, (place, con_id) in self._places.items()
            if container in shown
        ]
        self._duckdb.execute(f'CREATE OR REPLACE VIEW memory.main."{view.name}" AS {" UNION ALL ".join(halves)}')
        return f'memory.main."{view.name}"'

    def _rewrite(self, node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Anonymous) and node.name.upper() == "SYS_EXTRACT_UTC":
            return exp.AtTimeZone(this=node.expressions[0], zone=exp.Literal.string("UTC"))
        return node

    @cached_property
    def _schema(self) -> MappingSchema:
        tables = {
            view.name: {column.name: column.type for column in view.columns.values()} for view in self.views.values()
        }
        return MappingSchema(tables, dialect=self.dialect)
