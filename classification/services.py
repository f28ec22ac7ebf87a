"""What people and scripts can do with classes, rules and assignments."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

import dbms
from accounts_sync.models import InstanceAccount
from classification.dsl.nodes import Expression
from classification.dsl.parse import parse
from classification.models import (
    AccountClassification,
    AccountClassificationAssignment,
    AssignmentType,
    ClassificationRule,
)
from whalefall.errors import (
    ClassificationInUse,
    ConstraintViolation,
    ExpressionDuplicated,
    NameExists,
    NotFound,
    SystemClassification,
    ValidationFailed,
)

OF_SYSTEM = ("risk_level", "icon_name")  # what nobody changes of the product's own classes
MAX_EXPRESSION_BYTES = 65_536


# Classes ----------------------------------------------------------------------------------------------------------


def create_classification(*, code: str = "", display_name: str = "", **fields: Any) -> AccountClassification:
    """A new class; of code and name either may stand for the other. Raises NameExists."""
    code = (code or display_name).strip().lower()
    if not code:
        raise ValidationFailed(detail=_("a class has a code or a name"))
    most = AccountClassification._meta.get_field("code").max_length or 0
    if len(code) > most:  # in small letters it may be longer than it was
        raise ValidationFailed(detail=_("a code has {number} characters at most").format(number=most))
    with _unique(code):
        return AccountClassification.objects.create(code=code, display_name=display_name.strip(), **fields)


def update_classification(classification: AccountClassification, **fields: Any) -> AccountClassification:
    """Change a class; its code stays. Raises SystemClassification."""
    fixed = [name for name in OF_SYSTEM if name in fields and fields[name] != getattr(classification, name)]
    if classification.is_system and fixed:
        raise SystemClassification(name=classification.name, detail=_("risk level and icon are fixed"))
    for name, value in fields.items():
        setattr(classification, name, value)
    classification.save()
    return classification


@transaction.atomic
def delete_classification(classification: AccountClassification) -> None:
    """Delete a class that nothing uses, with the old versions of its rules and what they gave to accounts.

    Raises SystemClassification, ClassificationInUse.
    """
    if classification.is_system:
        raise SystemClassification(name=classification.name, detail="it cannot be deleted")
    locked = AccountClassification.objects.select_for_update().get(pk=classification.pk)
    rules = ClassificationRule.objects.filter(classification=locked)
    given = AccountClassificationAssignment.objects.filter(classification=locked)
    used = {
        "rules": rules.current().count(),
        "assignments": given.filter(assignment_type=AssignmentType.MANUAL, is_active=True).count(),
    }
    if any(used.values()):
        raise ClassificationInUse(name=classification.name, extra=used, **used)
    # A run may still evaluate these rules. First wait for one that is about to take something away, then let none add
    # anything: its commit looks for the rule, waits for us, does not find it, and the run asks again for its rules.
    given.delete()
    list(rules.select_for_update().values_list("pk"))
    locked.delete()


# Rules ------------------------------------------------------------------------------------------------------------


def read_expression(value: Any) -> Expression:
    """An expression as a person sends it: an object, or its JSON text. Raises DslV4Required, InvalidDslExpression."""
    if isinstance(value, str):
        if len(value.encode(errors="replace")) > MAX_EXPRESSION_BYTES:
            raise ValidationFailed(
                detail=_("an expression has {number} bytes at most").format(number=MAX_EXPRESSION_BYTES)
            )
        try:
            value = orjson.loads(value)
        except ValueError as error:
            raise ValidationFailed(detail=_("the expression is no JSON: {problem}").format(problem=error)) from error
    return parse(value)


@transaction.atomic
def create_rule(
    *,
    classification: AccountClassification,
    db_type: str,
    rule_name: str,
    expression: Any,
    is_active: bool = True,
    user: User | None = None,
) -> ClassificationRule:
    """The first version of a rule, for the next run. Raises NameExists, ExpressionDuplicated, and as parse()."""
    rule = ClassificationRule(
        classification=classification,
        db_type=dbms.normalize(db_type),
        rule_name=rule_name.strip(),
        is_active=is_active,
        created_by=user,
        **_stored(read_expression(expression)),
    )
    return _save(rule)


@transaction.atomic
def update_rule(
    rule: ClassificationRule,
    *,
    rule_name: str | None = None,
    expression: Any = None,
    is_active: bool | None = None,
    user: User | None = None,
) -> ClassificationRule:
    """Change a rule; another expression makes another version, which is returned. The next run evaluates it.

    What is None stays as it is. Raises as create_rule(), and ConstraintViolation for a version that is not current.
    """
    current = _current(rule)
    wanted = {} if expression is None else _stored(read_expression(expression))
    name = current.rule_name if rule_name is None else rule_name.strip()
    is_on = current.is_active if is_active is None else is_active
    if wanted.get("expression_digest", current.expression_digest) == current.expression_digest:
        current.rule_name, current.is_active = name, is_on
        return _save(current)
    current.superseded_at = timezone.now()
    current.save(update_fields=["superseded_at", "updated_at"])
    return _save(
        ClassificationRule(
            classification=current.classification,
            db_type=current.db_type,
            rule_name=name,
            is_active=is_on,
            rule_group_id=current.rule_group_id,
            rule_version=current.rule_version + 1,
            created_by=user,
            **wanted,
        )
    )


@transaction.atomic
def delete_rule(rule: ClassificationRule) -> None:
    """Take a rule out of use; its versions and numbers stay, and the next run takes its accounts out."""
    current = _current(rule)
    current.is_active, current.superseded_at = False, timezone.now()
    current.save(update_fields=["is_active", "superseded_at", "updated_at"])


@transaction.atomic
def restore_rule(old: ClassificationRule, *, user: User | None = None) -> ClassificationRule:
    """Make an old version's expression the newest one of its rule. Raises NotFound for a rule that was deleted."""
    current = ClassificationRule.objects.current().filter(rule_group_id=old.rule_group_id).first()
    if current is None:
        raise NotFound(what=_("Classification rule"), name=old.rule_name)
    return update_rule(current, expression=old.rule_expression, user=user)


@transaction.atomic
def switch_rules(rules: QuerySet[ClassificationRule], *, is_active: bool) -> int:
    """Switch current rules on or off; how many were not so before."""
    chosen = ClassificationRule.objects.current().filter(pk__in=rules.order_by().values("pk"))
    return chosen.exclude(is_active=is_active).update(is_active=is_active, updated_at=timezone.now())


def _current(rule: ClassificationRule) -> ClassificationRule:
    """The row as it is now, kept from other changes."""
    locked = ClassificationRule.objects.select_for_update().get(pk=rule.pk)
    if locked.superseded_at is not None:
        raise _not_current(locked)
    return locked


def _not_current(rule: ClassificationRule) -> ConstraintViolation:
    said = _("version {version} of {name} is not current").format(version=rule.rule_version, name=rule.rule_name)
    return ConstraintViolation(detail=said)


def _stored(expression: Expression) -> dict[str, Any]:
    canonical = expression.canonical()
    return {
        "rule_expression": expression.document(),
        "expression_digest": hashlib.sha256(canonical).hexdigest(),
    }


def check_rule(
    *, classification: AccountClassification, db_type: str, rule_name: str, expression: Any, replaces: Any = None
) -> None:
    """Whether a draft could be stored now; `replaces` is the version in whose place it would come.

    Raises as create_rule() and update_rule().
    """
    if replaces is not None and replaces.superseded_at is not None:
        raise _not_current(replaces)
    stored = _stored(read_expression(expression))
    draft = ClassificationRule(classification=classification, db_type=db_type, rule_name=rule_name.strip(), **stored)
    draft.pk = replaces.pk if replaces is not None else None
    _check(draft)


def _check(rule: ClassificationRule) -> None:
    if not rule.rule_name:
        raise ValidationFailed(detail=_("a rule has a name"))
    same = ClassificationRule.objects.current().filter(classification=rule.classification_id, db_type=rule.db_type)
    alike = same.exclude(pk=rule.pk).filter(Q(rule_name=rule.rule_name) | Q(expression_digest=rule.expression_digest))
    if (other := alike.first()) is not None:
        if other.rule_name == rule.rule_name:
            raise NameExists(name=rule.rule_name)
        raise ExpressionDuplicated(name=other.rule_name)


def _save(rule: ClassificationRule) -> ClassificationRule:
    """Store a version. Whoever comes second of two equal ones is refused by the database."""
    _check(rule)
    with _unique(rule.rule_name):
        rule.save()
    return rule


@contextmanager
def _unique(name: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise NameExists(name=name) from error


# Assignments ------------------------------------------------------------------------------------------------------


@transaction.atomic
def assign(
    account: InstanceAccount, classification: AccountClassification, *, user: User | None = None, notes: str = ""
) -> AccountClassificationAssignment:
    """Put an account into a class by hand; runs never touch that. Again is no error. Raises NotFound."""
    # Against delete_classification(): no constraint keeps the class of an assignment by hand.
    if AccountClassification.objects.select_for_update().filter(pk=classification.pk).first() is None:
        raise NotFound(what=_("Account class"), name=classification.code)
    found, _created = AccountClassificationAssignment.objects.get_or_create(
        account=account,
        classification=classification,
        assignment_type=AssignmentType.MANUAL,
        is_active=True,
        defaults={"assigned_by": user, "notes": notes},
    )
    return found


def withdraw(assignment: AccountClassificationAssignment) -> None:
    """Take back what a person assigned; again is no error. Raises ConstraintViolation for what a rule says."""
    if assignment.assignment_type != AssignmentType.MANUAL:
        raise ConstraintViolation(detail=_("a rule says so, and would again: change the rule"))
    AccountClassificationAssignment.objects.filter(pk=assignment.pk).update(is_active=False)
