"""What the rule editor in the browser is told: functions with their arguments, names to offer, its words."""

from __future__ import annotations

from typing import Any

from django.forms import Textarea
from django.forms.widgets import Script
from django.urls import reverse
from django.utils.translation import gettext as _

import dbms
from accounts_sync.models import AccountKind
from classification.dsl import names, parse
from classification.dsl.functions import FUNCTIONS
from classification.dsl.predicates import Function, Parameter
from classification.dsl.subjects import SCOPES
from classification.presentation import OPERATIONS, PARAMETERS

# Which names an argument is offered: (function, argument) → a list of offers(); "scope" is that of the argument.
SUGGESTIONS = {
    ("has_capability", "name"): "capability",
    ("has_role", "name"): "roles",
    ("member_of", "role"): "roles",
    ("has_privilege", "name"): "scope",
    ("has_grant_option", "name"): "scope",
    ("has_object_privilege", "name"): "object",
}


class ExpressionWidget(Textarea):
    """The JSON of an expression, beside which the script shows it as a tree. Without scripts, the JSON remains."""

    template_name = "classification/editor.html"

    class Media:
        css = {"all": ["classification/classification.css"]}
        js = [Script("classification/editor.js", type="module"), Script("classification/trial.js", type="module")]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["schema"] = schema()
        return context


def schema() -> dict[str, Any]:
    """Everything that the editor cannot know by itself, but for names of roles, which it asks for."""
    base = "/api/v1/accounts/classifications/rules/actions"
    return {
        "operations": [{"value": op, "label": str(label)} for op, label in OPERATIONS.items()],
        "functions": [_function(name, function) for name, function in FUNCTIONS.items()],
        "offers": _offers(),
        "db_types": [{"value": kind, "label": label} for kind, label in dbms.choices()],
        "most_nodes": parse.MAX_NODES,
        "most_levels": parse.MAX_DEPTH,
        "urls": {
            "check": reverse("admin:classification_classificationrule_check"),
            "preview": f"{base}/preview",
            "explain": f"{base}/explain",
            "accounts": reverse("admin:classification_classificationrule_accounts"),
            "roles": reverse("admin:classification_classificationrule_roles"),
            "account": reverse("admin:accounts_sync_instanceaccount_change", args=[0]),
        },
        "texts": _texts(),
    }


def _function(name: str, function: Function) -> dict[str, Any]:
    return {
        "name": name,
        "label": _(function.label),
        "since": function.since,
        "db_types": list(function.db_types),
        "parameters": [_parameter(name, key, one) for key, one in function.parameters.items()],
    }


def _parameter(function: str, name: str, parameter: Parameter) -> dict[str, Any]:
    labels = dict(AccountKind.choices) if name == "kinds" else dict(dbms.choices()) if name == "types" else {}
    choices = parameter.choices or (tuple(dbms.ADAPTERS) if parameter.kind == "db_types" else ())
    return {
        "name": name,
        "label": str(PARAMETERS[name]),
        "kind": parameter.kind,
        "required": parameter.required,
        "since": parameter.since,
        "choices": [{"value": choice, "label": str(labels.get(choice, choice))} for choice in choices],
        "suggest": SUGGESTIONS.get((function, name), ""),
    }


def _offers() -> dict[str, dict[str, list[str]]]:
    """{database kind: {list: names}}: capability, object, scopes, and a list "scope:…" for each scope."""
    return {
        kind: {
            "capability": sorted(names.CAPABILITIES | adapter.catalogue.get("capability", frozenset())),
            "object": sorted(adapter.catalogue.get("object", frozenset()) | adapter.catalogue.get("database", set())),
            "scopes": [scope for scope in SCOPES if adapter.catalogue.get(scope)],
            "scope:": sorted(frozenset[str]().union(*(adapter.catalogue.get(scope, ()) for scope in SCOPES))),
            **{f"scope:{scope}": sorted(adapter.catalogue.get(scope, ())) for scope in SCOPES},
        }
        for kind, adapter in dbms.ADAPTERS.items()
    }


def _texts() -> dict[str, str]:
    return {
        "add_condition": _("Add condition"),
        "add_group": _("Add group"),
        "up": _("Move up"),
        "down": _("Move down"),
        "nest": _("Put into a group"),
        "out": _("Move out of the group"),
        "remove": _("Remove"),
        "group": _("Group"),
        "condition": _("Condition"),
        "any": _("any"),
        "yes": _("yes"),
        "no": _("no"),
        "choose": _("Choose"),
        "not_json": _("The JSON cannot be read: {problem}"),
        "not_shown": _("This JSON is no expression that can be shown as a tree; the message below says why."),
        "checked": _("The expression is valid."),
        "unreachable": _("The server did not answer; what you wrote is still here."),
        "choose_first": _("Choose a class and a database kind first."),
        "working": _("Looking through the stored accounts …"),
        "evaluated": _("{matched} of {evaluated} accounts match."),
        "incomplete": _("The time was over before all accounts were looked at: the numbers are lower bounds."),
        "entering": _("Would enter: {number}"),
        "leaving": _("Would leave: {number}"),
        "unknown": _("Nobody can say: {number}"),
        "without_facts": _("Without facts: {number}"),
        "shown": _("{first}–{last} of {number}"),
        "first_only": _("Only the first {number} are listed."),
        "earlier": _("Earlier"),
        "later": _("Later"),
        "why": _("Why?"),
        "none": _("None"),
        "holds": _("holds"),
        "fails": _("does not hold"),
        "nobody": _("nobody can say"),
        "unread": _("Never read:"),
        "nobody_found": _("No account of this database kind has such a name."),
        "more_accounts": _("There are more: type more of the name, or of the instance's name behind a space."),
        "more_roles": _("There are more roles of this name: type more of it."),
    }
