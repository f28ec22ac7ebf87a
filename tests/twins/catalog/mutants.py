"""Small mistakes in a statement: each must be refused, or return other rows, or the sample is too tame.

Columns are renamed or taken for another of the same type, joins turned inside out, conditions dropped, negated, given
another literal, aggregates exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from tests.twins.catalog.twin import Twin

NEGATIONS = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
    exp.GTE: exp.LT,
    exp.LT: exp.GTE,
    exp.And: exp.Or,
    exp.Or: exp.And,
    exp.Sum: exp.Max,
    exp.Max: exp.Min,
    exp.Min: exp.Max,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mistake: what it is, the node that it changes, and that one's place in a walk over the query."""

    mistake: str
    node: exp.Expression
    dialect: str
    place: int
    change: Callable[[exp.Expression], object]

    @property
    def label(self) -> str:
        return f"{self.mistake} in {_around(self.node, self.dialect)}"

    def text(self, query: exp.Query, dialect: str) -> str:
        mutant = query.copy()
        changed = self.change(list(mutant.walk(bfs=False))[self.place])
        if self.place == 0 and isinstance(changed, exp.Expression):  # the whole query was replaced
            mutant = changed
        return mutant.sql(dialect, comments=False)


def mutants(twin: Twin, query: exp.Query) -> Iterator[Mutant]:
    """Every mistake that is tried, in the order of the text."""
    columns = _documented(twin, query)
    for place, node in enumerate(query.walk(bfs=False)):
        for mistake, change in _changes(node, columns):
            yield Mutant(mistake=mistake, node=node, dialect=twin.dialect, place=place, change=change)


def _documented(twin: Twin, query: exp.Query) -> dict[str, dict[str, str]]:
    """Types of the columns that a table alias has."""
    views = {table.alias_or_name.upper(): twin.view_of(table.copy()) for table in query.find_all(exp.Table)}
    return {alias: {column.name: column.type for column in view.columns.values()} for alias, view in views.items()}


def _changes(node: exp.Expression, columns: dict[str, dict[str, str]]) -> Iterator[tuple[str, Callable]]:
    match node:
        case exp.Column():
            yield "a column that there is not", lambda found: found.this.set("this", f"{found.name}x")
            known = columns.get(node.table.upper(), {})
            mine = next((type_ for name, type_ in known.items() if name.upper() == node.name.upper()), None)
            for name, type_ in known.items():
                if type_ == mine and name.upper() != node.name.upper():
                    yield f"{name} for {node.name}", lambda found, name=name: found.this.set("this", name)
        case exp.Join() if node.side == "LEFT":
            yield "an inner join", lambda found: found.set("side", None)
        case exp.Join() if node.args.get("on") is not None:
            yield "a left join", lambda found: found.set("side", "LEFT")
        case exp.Where() | exp.Having():
            yield "no condition", lambda found: found.pop()
        case exp.Literal() if node.find_ancestor(exp.Where, exp.Join, exp.Case, exp.Anonymous):
            yield f"another literal than {node.name}", lambda found: found.set("this", _another(found))
    if isinstance(node, (exp.And, exp.Or)):
        yield "the left half only", lambda found: found.replace(found.left.copy())
        yield "the right half only", lambda found: found.replace(found.right.copy())
    if isinstance(node, exp.Union):
        yield "the first half only", lambda found: found.replace(found.left.copy())
    if type(node) in NEGATIONS:
        other = NEGATIONS[type(node)]
        yield f"{other.__name__} for {type(node).__name__}", lambda found: found.replace(other(**found.copy().args))


def _another(literal: exp.Literal) -> str:
    return f"{literal.name}1" if literal.is_string else str(int(literal.name) + 1)


def _around(node: exp.Expression, dialect: str) -> str:
    whole = node.parent if isinstance(node, (exp.Column, exp.Literal)) and node.parent else node
    return " ".join(whole.sql(dialect, comments=False).split())[:70]
