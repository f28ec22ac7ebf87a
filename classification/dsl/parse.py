"""From JSON to nodes, strictly: whatever is not understood is refused with its place, never skipped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    if type(version) is not int or version not in VERSIONS:  # neither True nor 4.0
        raise DslV4Required(detail=f"version must be 4 or 5, not {_shown(version)}")
    parser = _Parser(version)
    parser.only(document, ("version", "expr"), "expression")
    if "expr" not in document:
        raise _refused("{path} is missing", "expr")
    return Expression(version=parser.version, root=parser.node(document["expr"], "expr", 1))


class _Parser:
    def __init__(self, version: int) -> None:
        self.version = version
        self.nodes = 0

    def node(self, value: Any, path: str, depth: int) -> Node:
        self.nodes += 1
        if depth > MAX_DEPTH:
            raise _refused("{path} lies deeper than {levels} levels", path, levels=MAX_DEPTH)
        if self.nodes > MAX_NODES:
            raise _refused("{path} is one of more than {number} nodes", path, number=MAX_NODES)
        if not isinstance(value, Mapping):
            raise _refused("{path} must be an object with op or fn", path)
        if "op" in value:
            return self.operation(value, path, depth)
        if "fn" in value:
            return self.call(value, path)
        raise _refused("{path} has neither op nor fn", path)

    def operation(self, value: Mapping[str, Any], path: str, depth: int) -> Operation:
        self.only(value, ("op", "args"), path)
        op = value["op"].strip().upper() if isinstance(value["op"], str) else value["op"]
        if op not in OPERATIONS:
            raise _no_choice(f"{path}.op", OPERATIONS, value["op"])
        args = value.get("args")
        if not isinstance(args, list) or not args:
            raise _refused("{path} must be a list that is not empty", f"{path}.args")
        if op == "NOT" and len(args) != 1:
            raise _refused("{path} of NOT is one node, not {number}", f"{path}.args", number=len(args))
        nodes = tuple(self.node(arg, f"{path}.args[{number}]", depth + 1) for number, arg in enumerate(args))
        return Operation(op=op, args=nodes)

    def call(self, value: Mapping[str, Any], path: str) -> Call:
        self.only(value, ("fn", "args"), path)
        fn = value["fn"].strip() if isinstance(value["fn"], str) else ""
        function = FUNCTIONS.get(fn)
        if function is None:
            known = ", ".join(name for name, one in FUNCTIONS.items() if one.since <= self.version)
            raise _refused(
                "{path}: {function} is unknown; known are {known}",
                f"{path}.fn",
                function=_shown(value["fn"]),
                known=known,
            )
        if function.since > self.version:
            raise _refused(
                "{path}: {function} needs version {version}", f"{path}.fn", function=fn, version=function.since
            )
        args = value.get("args", {})
        args = {} if args is None else args
        if not isinstance(args, Mapping):
            raise _refused("{path} must be an object", f"{path}.args")
        parameters = {name: one for name, one in function.parameters.items() if one.since <= self.version}
        self.only(args, tuple(parameters), f"{path}.args")
        checked = {}
        for name, parameter in parameters.items():
            if args.get(name) is not None:
                checked[name] = _argument(args[name], parameter, f"{path}.args.{name}")
            elif parameter.required:
                raise _refused("{path} is missing", f"{path}.args.{name}")
        return Call(fn=fn, args=checked)

    @staticmethod
    def only(value: Mapping[str, Any], known: tuple[str, ...], path: str) -> None:
        unknown = [_shown(key) for key in value if key not in known]
        if unknown and known:
            raise _refused("{path} knows no {key}; known are {known}", path, key=unknown[0], known=", ".join(known))
        if unknown:
            raise _refused("{path} takes nothing, not even {key}", path, key=unknown[0])


def _argument(value: Any, parameter: Parameter, path: str) -> Any:
    if parameter.kind == "flag":
        if not isinstance(value, bool):
            raise _refused("{path} must be true or false", path)
        return value
    if parameter.kind == "days":
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= DAYS:
            raise _refused("{path} must be a whole number of days from 1 to {most}", path, most=DAYS)
        return value
    if parameter.kind in ("words", "db_types"):
        if not isinstance(value, list) or not value or len(value) > MAX_ITEMS:
            raise _refused("{path} must be a list of 1 to {most} words", path, most=MAX_ITEMS)
        return [_word(item, parameter, f"{path}[{number}]") for number, item in enumerate(value)]
    return _word(value, parameter, path)


def _word(value: Any, parameter: Parameter, path: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _refused("{path} must be a text that is not empty", path)
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _refused("{path} holds a character that no name can have", path)
    if parameter.kind == "pattern":
        return _pattern(value, path)
    text = value.strip()
    if len(text) > MAX_NAME:
        raise _refused("{path} is longer than {most} characters", path, most=MAX_NAME)
    if parameter.kind == "db_types":
        try:
            return dbms.normalize(text)
        except ValidationFailed:
            raise _no_choice(path, dbms.ADAPTERS, value) from None
    if parameter.choices:
        if text.lower() not in parameter.choices:
            raise _no_choice(path, parameter.choices, value)
        return text.lower()
    return text


def _pattern(value: str, path: str) -> str:
    if len(value) > MAX_PATTERN:
        raise _refused("{path} is longer than {most} characters", path, most=MAX_PATTERN)
    try:
        compile_like(value)
    except ValueError as error:
        raise _refused("{path} ends in a lone backslash", path) from error
    return value


def _no_choice(path: str, choices: Iterable[str], value: Any) -> InvalidDslExpression:
    known = ", ".join(choices)
    return _refused("{path} must be one of {known}, not {value}", path, known=known, value=_shown(value))


def _refused(template: str, path: str, **places: Any) -> InvalidDslExpression:
    """The refusal of what lies at a path, by a template that whalefall.details can translate."""
    return InvalidDslExpression(detail=template.format(path=path, **places), extra={"path": path})


def _shown(value: Any) -> str:
    return ascii(value)[:80]
