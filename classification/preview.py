"""What a draft would change, and why a rule matches an account: evaluated over stored facts, written nowhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts_sync.models import InstanceAccount
from classification.dsl.evaluate import compile_expression
from classification.dsl.explain import Explanation, explain
from classification.dsl.nodes import Expression
from classification.dsl.subjects import Subject
from classification.dsl.unread import ALL_READ
from classification.models import AccountClassification, AccountClassificationAssignment
from classification.stored import StoredAccount, all_accounts, not_read
from instances.models import Instance
from whalefall.errors import PermissionFactsMissing

SHOWN = 100  # accounts of each list


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An account to show."""

    account_id: int
    account: str
    instance_id: int


@dataclass(slots=True, kw_only=True)
class Preview:
    """Who would enter and leave the class. Counts are exact, lists hold the first ones.

    Not `is_complete`: the time was over, and the rest was not looked at.
    """

    evaluated: int = 0
    matched: int = 0
    entering: int = 0
    leaving: int = 0
    unknown: int = 0
    without_facts: int = 0
    is_complete: bool = True
    lists: dict[str, list[Named]] = field(
        default_factory=lambda: {name: [] for name in ("entering", "leaving", "unknown", "without_facts")}
    )

    def note(self, name: str, stored: StoredAccount) -> None:
        """Count an account in a list, and show it while there is room."""
        setattr(self, name, getattr(self, name) + 1)
        if len(self.lists[name]) < SHOWN:
            self.lists[name].append(_named(stored))


def preview(
    expression: Expression,
    *,
    db_type: str,
    classification: AccountClassification,
    rule_group_id: UUID | None = None,
    instance_ids: list[int] | None = None,
) -> Preview:
    """Evaluate a draft over the accounts of a database kind; `rule_group_id` is the rule that it would replace.

    An account enters that is not in the class yet, and leaves that nothing but the replaced rule keeps in it. Takes
    SYNC_INLINE_SECONDS at most.
    """
    end = time.monotonic() + settings.SYNC_INLINE_SECONDS
    program = compile_expression(expression)
    now = timezone.now()
    accounts = InstanceAccount.objects.active().filter(
        db_type=db_type, instance__is_active=True, instance__deleted_at__isnull=True
    )
    if instance_ids is not None:
        accounts = accounts.filter(instance__in=instance_ids)
    in_class = AccountClassificationAssignment.objects.filter(classification=classification, is_active=True)
    mine = in_class.filter(rule__rule_group_id=rule_group_id) if rule_group_id else in_class.none()
    by_others = in_class.exclude(rule__rule_group_id=rule_group_id) if rule_group_id else in_class
    kept = set(by_others.filter(account__db_type=db_type).values_list("account", flat=True))
    replaced = set(mine.filter(account__db_type=db_type).values_list("account", flat=True))
    unread = not_read(Instance.objects.filter(db_type=db_type))
    result = Preview()
    for stored in all_accounts(accounts, with_document=program.needs_document):
        if time.monotonic() > end:
            result.is_complete = False
            break
        if stored.facts is None:
            result.note("without_facts", stored)
            continue
        result.evaluated += 1
        hidden = unread.get(stored.account.instance_id, ALL_READ)
        outcome = program.test(Subject(stored.account, stored.facts, now, stored.document, hidden))
        pk = stored.account.id
        if outcome is None:  # changes nothing
            result.note("unknown", stored)
        elif outcome:
            result.matched += 1
            if pk not in kept and pk not in replaced:
                result.note("entering", stored)
        elif pk in replaced and pk not in kept:
            result.note("leaving", stored)
    return result


def stored_subject(account: InstanceAccount) -> Subject:
    """An account as rules see it now. Two queries. Raises PermissionFactsMissing."""
    unread = not_read([account.instance_id]).get(account.instance_id, ALL_READ)
    for stored in all_accounts(InstanceAccount.objects.filter(pk=account.pk), with_document=True):
        if stored.facts is not None:
            return Subject(stored.account, stored.facts, timezone.now(), stored.document, unread)
    raise PermissionFactsMissing(account=account.display_name)


def explain_account(account: InstanceAccount, expression: Expression) -> Explanation:
    """Which nodes of an expression hold for an account, and why. Raises PermissionFactsMissing."""
    return explain(expression, stored_subject(account))


def _named(stored: StoredAccount) -> Named:
    account = stored.account
    name = f"{account.username}@{account.host}" if account.host else account.username
    return Named(account_id=account.id, account=name, instance_id=account.instance_id)


def document(result: Preview) -> Mapping[str, Any]:
    """As JSON, with the names of the instances. One query."""
    shown = {one.instance_id for accounts in result.lists.values() for one in accounts}
    instances = dict(Instance.objects.filter(pk__in=shown).values_list("pk", "name"))
    return {
        "evaluated": result.evaluated,
        "matched": result.matched,
        "entering": result.entering,
        "leaving": result.leaving,
        "unknown": result.unknown,
        "without_facts": result.without_facts,
        "is_complete": result.is_complete,
        **{
            f"{name}_accounts": [
                {
                    "account_id": one.account_id,
                    "account": one.account,
                    "instance_id": one.instance_id,
                    "instance_name": instances.get(one.instance_id, ""),
                }
                for one in accounts
            ]
            for name, accounts in result.lists.items()
        },
    }
