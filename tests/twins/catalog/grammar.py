"""The constructs that mean the same on the server and on DuckDB: all that a shipped statement may use."""

from __future__ import annotations

import re

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokens import TokenType

from tests.twins.catalog.errors import Refused, TwinError

ALLOWED = (
    # queries
    *(
        exp.Select,
        exp.From,
        exp.Join,
        exp.Where,
        exp.Group,
        exp.Having,
        exp.Order,
        exp.Ordered,
        exp.Union,
        exp.Subquery,
    ),
    *(exp.With, exp.CTE, exp.Limit, exp.Fetch, exp.LimitOptions, exp.Offset),
    # names and values
    *(exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Literal, exp.National, exp.Null),
    *(exp.Placeholder, exp.Parameter, exp.Var, exp.DataType, exp.DataTypeParam, exp.Star, exp.Boolean, exp.Collate),
    # conditions
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Tuple, exp.Like),
    *(exp.Escape, exp.Between, exp.Exists, exp.Paren),
    # expressions
    *(
        exp.Case,
        exp.If,
        exp.Coalesce,
        exp.Cast,
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Neg,
        exp.Sum,
        exp.Count,
        exp.Max,
        exp.Min,
    ),
    *(exp.Anonymous, exp.Dot, exp.CurrentTimestamp),
)
REASONS = {
    exp.Concat: "concatenation treats NULL differently: do it in Python",
    exp.DPipe: "concatenation treats NULL differently: do it in Python",
    exp.Div: "division of integers differs: do it in Python",
    exp.Connect: "a closure of nested roles is made in Python",
    exp.Distinct: "what counts as equal depends on the collation: do it in Python",
    exp.Window: "not needed so far",
}
# Text that a driver fills in: %(name)s as elsewhere in the house.
NAMED = re.compile(r"%\((\w+)\)s")


def parse(text: str, dialect: str, functions: frozenset[str]) -> list[exp.Query]:
    """The queries of a batch, in order. Refuses whatever is not in `ALLOWED` and functions that are not in `functions`.

    Parameters may be written %(name)s, :name, @name or ?, which is @P1, @P2 and so on.
    """
    try:
        trees = sqlglot.parse(
            _numbered(NAMED.sub(r"@\1" if dialect != "oracle" else r":\1", text), dialect),
            dialect=dialect,
            error_level=ErrorLevel.RAISE,
        )
    except SqlglotError as error:
        raise TwinError(f"syntax: {error}") from error
    queries = [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    for query in queries:
        if not isinstance(query, (exp.Select, exp.Union)):
            raise Refused(f"not a query: {query.sql(dialect)[:80]}")
        for node in query.walk():
            reason = _reason(node, dialect, functions)
            if reason:
                raise Refused(f"{reason}: {node.sql(dialect)[:80]}")
    return queries


def _numbered(text: str, dialect: str) -> str:
    """`?` → `@P1`, `@P2` …, in the order of the text: the order of a tree is another."""
    marks = [token for token in sqlglot.tokenize(text, dialect=dialect) if token.token_type == TokenType.PLACEHOLDER]
    for number, token in reversed(list(enumerate(marks, 1))):
        text = f"{text[: token.start]}@P{number}{text[token.end + 1 :]}"
    return text


def _reason(node: exp.Expression, dialect: str, functions: frozenset[str]) -> str:
    if not isinstance(node, ALLOWED):
        return REASONS.get(type(node), f"{type(node).__name__} is not among the allowed constructs")
    match node:
        case exp.Anonymous() if isinstance(node.parent, exp.Table):
            return "" if all(isinstance(part, exp.Null) for part in node.expressions) else "ask for everything by NULL"
        case exp.Anonymous() if node.name.upper() not in functions:
            return "unknown function"
        case exp.Column() if node.args.get("join_mark"):
            return "write LEFT JOIN"
        case exp.Star() if isinstance(node.parent, exp.Select):
            return "name the columns"
        case exp.Union() if node.args.get("distinct"):
            return "write UNION ALL"
        case exp.Limit() | exp.Fetch() if isinstance(node.parent, exp.Select) and isinstance(
            node.parent.parent, exp.Union
        ):
            return "a limit inside UNION ALL holds for one half only"
        case exp.LimitOptions() if node.args.get("percent") or node.args.get("with_ties"):
            return "give a number of rows"
        case exp.Like() if "[" in node.expression.name:
            return "LIKE knows sets in brackets on SQL Server only"
        case exp.Literal(is_string=True, this="") if dialect == "oracle":
            return "'' is NULL in Oracle"
        case exp.Cast() if node.to.is_type(*exp.DataType.TEXT_TYPES) and not node.to.expressions:
            return "give the length: it is 30 in SQL Server when it is left out"
    return ""
