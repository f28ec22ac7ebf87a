"""Whether the names in an expression are ones that its database kind is known to have.

A warning and never a refusal: servers bring new privileges, and roles are anybody's.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

import dbms
from classification.dsl.functions import FUNCTIONS
from classification.dsl.nodes import Call, Expression
from classification.dsl.subjects import OPTIONS, SCOPES

CAPABILITIES = frozenset({"SUPERUSER", "GRANT_ADMIN", "LOCKED"})


def warnings(expression: Expression, db_type: str) -> list[tuple[str, str]]:
    """(path, text) of what may be a mistake over accounts of a database kind."""
    known = dbms.get(db_type).catalogue
    found = []
    for path, call in expression.calls():
        function = FUNCTIONS[call.fn]
        if function.db_types and db_type not in function.db_types:
            found.append((path, _("{function} says nothing about {kind}").format(function=call.fn, kind=db_type)))
        if call.fn == "db_type_in" and db_type not in call.args["types"]:
            found.append((path, _("the rule is for {kind} only").format(kind=db_type)))
        name = call.args.get("name")
        if name is None or not known:
            continue
        if call.fn == "has_capability":
            names = CAPABILITIES | known.get("capability", frozenset())
        elif call.fn == "has_role":
            continue  # anybody may make one
        else:
            names = frozenset[str]().union(*(known.get(place, ()) for place in _places(call)))
        plain = name.removeprefix("DENY ").partition(" ON ")[0]
        for option in OPTIONS:
            plain = plain.removesuffix(option)
        if plain not in names:
            text = _("{kind} is not known to have {name} there").format(kind=db_type, name=name)
            found.append((f"{path}.args.name", text))
    return found


def _places(call: Call) -> tuple[str, ...]:
    """Where in the catalogue a privilege of this name may stand."""
    if call.fn == "has_object_privilege":
        return ("object", "database")
    named = call.args.get("scope")
    return tuple(SCOPES) if named is None else (named,)
