"""What the pages of accounts say of their classes."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from accounts_sync.models import InstanceAccount
from classification.dsl.explain import explain
from classification.dsl.parse import parse
from classification.dsl.subjects import Subject
from classification.models import AccountClassification, AccountClassificationAssignment, ClassificationRule
from classification.presentation import RISK_TONES, Step, steps
from classification.preview import stored_subject
from sessions_app.admin.links import page_url
from whalefall.errors import WhaleFallError
from whalefall.messages import render_error

VIEW = "classification.view_accountclassificationassignment"
VIEW_RULES = "classification.view_classificationrule"
CHANGE = "classification.change_accountclassificationassignment"
RULES_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule says of an account at this moment."""

    rule: ClassificationRule
    url: str
    outcome: str = ""  # true, false or unknown; empty when the rule cannot be read
    steps: tuple[Step, ...] = ()
    problem: str = ""
    is_pending: bool = False  # the next run will change the account's classes


def badges(request: HttpRequest, accounts: Sequence[InstanceAccount]) -> dict[int, list[tuple[str, str]]]:
    """{account id: (tone, class)} of a page of accounts, the class that counts first. One query."""
    if not accounts or not request.user.has_perm(VIEW):
        return {}
    held = AccountClassificationAssignment.objects.filter(account__in=accounts, is_active=True)
    found: dict[int, dict[int, AccountClassification]] = {}
    for assignment in _by_priority(held.select_related("classification")):
        classification = assignment.classification
        found.setdefault(assignment.account_id, {})[classification.pk] = classification
    return {pk: [(RISK_TONES[one.risk_level], one.name) for one in of.values()] for pk, of in found.items()}


def account(request: HttpRequest, shown: InstanceAccount) -> SafeString | None:
    """The classes of an account, and what each rule of its database kind says of it and why. Four queries."""
    if not request.user.has_perm(VIEW):
        return None
    own = AccountClassificationAssignment.objects.filter(account=shown, is_active=True)
    held = _by_priority(own.select_related("classification", "rule", "assigned_by"))
    may_change = request.user.has_perm(CHANGE)
    add = reverse("admin:classification_accountclassificationassignment_add")
    context: dict[str, Any] = {
        "assignments": [
            {
                "row": row,
                "tone": RISK_TONES[row.classification.risk_level],
                "rule_url": page_url("classification_classificationrule", row.rule_id),
                "withdraw_url": _withdraw(row) if may_change and row.rule_id is None else "",
            }
            for row in held
        ],
        "add_url": f"{add}?account={shown.pk}" if may_change and shown.is_active else "",
    }
    if request.user.has_perm(VIEW_RULES):
        context |= _verdicts(shown, {row.rule.rule_group_id for row in held if row.rule is not None})
    return render_to_string("classification/account.html", context, request=request)


def _by_priority(held: Any) -> list[AccountClassificationAssignment]:
    ordered = ("-classification__priority", "classification__risk_level", "classification__code", "pk")
    return list(held.order_by(*ordered))


def _withdraw(row: AccountClassificationAssignment) -> str:
    return reverse("admin:classification_accountclassificationassignment_delete", args=[row.pk])


def _verdicts(shown: InstanceAccount, held: Set[UUID]) -> dict[str, Any]:
    """Every active rule over the account as it is stored; `held` are the groups that put it into a class.

    Three queries.
    """
    rules = ClassificationRule.objects.effective().filter(db_type=shown.db_type).select_related("classification")
    ordered = list(rules.order_by("-classification__priority", "rule_name", "pk")[: RULES_SHOWN + 1])
    try:
        subject = stored_subject(shown)
    except WhaleFallError as error:
        return {"facts_problem": render_error(error)}
    verdicts = [_verdict(rule, subject, held) for rule in ordered[:RULES_SHOWN]]
    return {
        "matching": [one for one in verdicts if one.outcome == "true"],
        "others": [one for one in verdicts if one.outcome != "true"],
        "has_more_rules": len(ordered) > RULES_SHOWN,
    }


def _verdict(rule: ClassificationRule, subject: Subject, held: Set[UUID]) -> Verdict:
    url = page_url("classification_classificationrule", rule.pk)
    try:
        found = explain(parse(rule.rule_expression), subject)
    except WhaleFallError as error:  # written by another version of the product
        return Verdict(rule=rule, url=url, problem=render_error(error))
    outcome = found.document()["outcome"]
    return Verdict(
        rule=rule,
        url=url,
        outcome=outcome,
        steps=tuple(steps(found)),
        is_pending=found.outcome is not None and found.outcome != (rule.rule_group_id in held),
    )
