"""From nodes to closures: true, false, or None for unknown, by Kleene's logic.

NOT over unknown is unknown, so a rule never matches because something could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson

from classification.dsl.functions import FUNCTIONS
from classification.dsl.nodes import Call, Expression, Node
from classification.dsl.parse import parse
from classification.dsl.predicates import Test, Truth
from classification.dsl.subjects import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """An expression, ready to be evaluated over many accounts."""

    expression: Expression
    test: Test
    needs_document: bool
    clocks: tuple[Callable[[Subject], datetime | None], ...]  # when the clock alone may change its outcome


@lru_cache(maxsize=1024)
def load(canonical: bytes) -> Program:
    """The program of a stored expression. The text is the key, so that nothing kept here can be out of date."""
    return compile_expression(parse(orjson.loads(canonical)))


def compile_expression(expression: Expression) -> Program:
    """The program of an expression."""
    calls = [call for _, call in expression.calls()]
    return Program(
        expression=expression,
        test=_compile(expression.root),
        needs_document=any(FUNCTIONS[call.fn].needs_document for call in calls),
        clocks=tuple(due(call.args) for call in calls if (due := FUNCTIONS[call.fn].due) is not None),
    )


def _compile(node: Node) -> Test:
    if isinstance(node, Call):
        return FUNCTIONS[node.fn].build(node.args)
    return operation(node.op, [_compile(arg) for arg in node.args])


def operation(op: str, tests: Sequence[Test]) -> Test:
    """AND, OR or NOT of the tests of its arguments."""
    return _negation(tests[0]) if op == "NOT" else _until(tests, decisive=op == "OR")


def _negation(test: Test) -> Test:
    def negated(subject: Subject) -> Truth:
        found = test(subject)
        return None if found is None else not found

    return negated


def _until(tests: Sequence[Test], *, decisive: bool) -> Test:
    """The first decisive answer decides: False for AND, True for OR. Without one, any unknown makes it unknown."""

    def joined(subject: Subject) -> Truth:
        result: Truth = not decisive
        for test in tests:
            found = test(subject)
            if found is decisive:
                return decisive
            if found is None:
                result = None
        return result

    return joined
