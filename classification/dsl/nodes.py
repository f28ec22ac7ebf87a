"""What an expression is once it is parsed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """AND, OR or NOT over its arguments."""

    op: str
    args: tuple[Node, ...]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"op": self.op, "args": [node.document() for node in self.args]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function of functions.FUNCTIONS with checked arguments."""

    fn: str
    args: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"fn": self.fn, "args": dict(self.args)}


Node = Operation | Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A whole rule expression."""

    version: int
    root: Node

    def document(self) -> dict[str, Any]:
        """As JSON has it, in its one canonical form."""
        return {"version": self.version, "expr": self.root.document()}

    def canonical(self) -> bytes:
        """Equal for expressions that differ in nothing but spelling; the order of arguments counts."""
        return orjson.dumps(self.document(), option=orjson.OPT_SORT_KEYS)

    def calls(self) -> Iterator[tuple[str, Call]]:
        """(path, call) of every function in it."""
        return _calls(self.root, "expr")


def _calls(node: Node, path: str) -> Iterator[tuple[str, Call]]:
    if isinstance(node, Call):
        yield path, node
    else:
        for number, arg in enumerate(node.args):
            yield from _calls(arg, f"{path}.args[{number}]")
