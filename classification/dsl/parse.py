"""From JSON to nodes, strictly: whatever is not understood is refused with its place, never skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dbms
from classification.dsl.functions import FUNCTIONS
from classification.dsl.nodes import Call, Expression, Node, Operation
from classification.dsl.patterns import MAX_PATTERN, compile_like
from classification.dsl.predicates import DAYS, Parameter
from whalefall.errors import DslV4Required, InvalidDslExpression, ValidationFailed

VERSIONS = (4, 5)
OPERATIONS = ("AND", "OR", "NOT")
MAX_DEPTH = 16
MAX_NODES = 200
MAX_ITEMS = 100  # of a list of words
MAX_NAME = 256


def parse(document: Any) -> Expression:
    """The expression of a JSON document. Raises DslV4Required, and InvalidDslExpression with the path."""
    if not isinstance(document, Mapping):
        raise DslV4Required(detail="an expression is an object with version and expr")
    version = document.get("version")
    if isinstance(version, bool) or version not in VERSIONS:
        raise DslV4Required(detail=f"version must be 4 or 5, not {_shown(version)}")
    parser = _Parser(int(version))
    parser.only(document, ("version", "expr"), "expression")
    if "expr" not in document:
        raise _refused("expr", "is missing")
    return Expression(version=parser.version, root=parser.node(document["expr"], "expr", 1))


class _Parser:
    def __init__(self, version: int) -> None:
        self.version = version
        self.nodes = 0

    def node(self, value: Any, path: str, depth: int) -> Node:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise _refused(path, f"lies deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise _refused(path, f"is more than {MAX_NODES} nodes")
        if not isinstance(value, Mapping):
            raise _refused(path, "must be an object with op or fn")
        if "op" in value:
            return self.operation(value, path, depth)
        if "fn" in value:
            return self.call(value, path)
        raise _refused(path, "has neither op nor fn")

    def operation(self, value: Mapping[str, Any], path: str, depth: int) -> Operation:
        self.only(value, ("op", "args"), path)
        op = value["op"].strip().upper() if isinstance(value["op"], str) else value["op"]
        if op not in OPERATIONS:
            raise _refused(f"{path}.op", f"must be one of {', '.join(OPERATIONS)}, not {_shown(value['op'])}")
        args = value.get("args")
        if not isinstance(args, list) or not args:
            raise _refused(f"{path}.args", "must be a list that is not empty")
        if op == "NOT" and len(args) != 1:
            raise _refused(f"{path}.args", f"of NOT is one node, not {len(args)}")
        nodes = tuple(self.node(arg, f"{path}.args[{number}]", depth + 1) for number, arg in enumerate(args))
        return Operation(op=op, args=nodes)

    def call(self, value: Mapping[str, Any], path: str) -> Call:
        self.only(value, ("fn", "args"), path)
        fn = value["fn"].strip() if isinstance(value["fn"], str) else ""
        function = FUNCTIONS.get(fn)
        known = [name for name, one in FUNCTIONS.items() if one.since <= self.version]
        if function is None or fn not in known:
            later = f"; {fn} needs version {function.since}" if function else ""
            raise _refused(f"{path}.fn", f"{_shown(value['fn'])} is unknown; known are {', '.join(known)}{later}")
        args = value.get("args", {})
        args = {} if args is None else args
        if not isinstance(args, Mapping):
            raise _refused(f"{path}.args", "must be an object")
        parameters = {name: one for name, one in function.parameters.items() if one.since <= self.version}
        self.only(args, tuple(parameters), f"{path}.args")
        checked = {}
        for name, parameter in parameters.items():
            if args.get(name) is not None:
                checked[name] = _argument(args[name], parameter, f"{path}.args.{name}")
            elif parameter.required:
                raise _refused(f"{path}.args.{name}", "is missing")
        return Call(fn=fn, args=checked)

    @staticmethod
    def only(value: Mapping[str, Any], known: tuple[str, ...], path: str) -> None:
        unknown = [key for key in value if key not in known]
        if unknown:
            raise _refused(path, f"knows no {_shown(unknown[0])}; known are {', '.join(known) or 'none'}")


def _argument(value: Any, parameter: Parameter, path: str) -> Any:
    if parameter.kind == "flag":
        if not isinstance(value, bool):
            raise _refused(path, "must be true or false")
        return value
    if parameter.kind == "days":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= DAYS:
            raise _refused(path, f"must be a whole number of days from 1 to {DAYS}")
        return value
    if parameter.kind in ("words", "db_types"):
        if not isinstance(value, list) or not value or len(value) > MAX_ITEMS:
            raise _refused(path, f"must be a list of 1 to {MAX_ITEMS} words")
        return [_word(item, parameter, f"{path}[{number}]") for number, item in enumerate(value)]
    return _word(value, parameter, path)


def _word(value: Any, parameter: Parameter, path: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _refused(path, "must be a text that is not empty")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _refused(path, "holds a character that no name can have")
    if parameter.kind == "pattern":
        return _pattern(value, path)
    text = value.strip()
    if len(text) > MAX_NAME:
        raise _refused(path, f"is longer than {MAX_NAME} characters")
    if parameter.kind == "db_types":
        try:
            return dbms.normalize(text)
        except ValidationFailed:
            raise _refused(path, f"must be one of {', '.join(dbms.ADAPTERS)}, not {_shown(value)}") from None
    if parameter.choices:
        if text.lower() not in parameter.choices:
            raise _refused(path, f"must be one of {', '.join(parameter.choices)}, not {_shown(value)}")
        return text.lower()
    return text


def _pattern(value: str, path: str) -> str:
    if len(value) > MAX_PATTERN:
        raise _refused(path, f"is longer than {MAX_PATTERN} characters")
    try:
        compile_like(value)
    except ValueError as error:
        raise _refused(path, str(error)) from error
    return value


def _refused(path: str, problem: str) -> InvalidDslExpression:
    return InvalidDslExpression(detail=f"{path} {problem}", extra={"path": path})


def _shown(value: Any) -> str:
    return ascii(value)[:80]
