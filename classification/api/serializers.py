"""What classification tells and accepts."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from classification.models import AccountClassification, AccountClassificationAssignment, ClassificationRule, RiskLevel
from classification.presentation import ICON_NAME
from instances.lookups import BIGGEST_ID
from whalefall.api.serializers import Body, ModelSerializer


class IdField(serializers.IntegerField):
    """The id of a row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=BIGGEST_ID, **kwargs)


class ClassificationSerializer(ModelSerializer[AccountClassification]):
    """A class, with how many rules fill it."""

    display_name = serializers.CharField(source="name", read_only=True)
    rules_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = AccountClassification
        fields = (
            "id", "code", "display_name", "description", "risk_level", "icon_name", "priority", "is_system",
            "rules_count", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ClassificationChange(Body):
    """What of a class can be changed; its code cannot."""

    display_name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    risk_level = serializers.ChoiceField(choices=RiskLevel.choices, required=False)
    icon_name = serializers.CharField(max_length=50, required=False, allow_blank=True, validators=[ICON_NAME])
    priority = serializers.IntegerField(min_value=0, max_value=100, required=False)


class NewClassification(ClassificationChange):
    """A new class: a code, a name, or both."""

    code = serializers.CharField(max_length=100, required=False)


class RuleSerializer(ModelSerializer[ClassificationRule]):
    """One version of a rule."""

    classification_id = serializers.IntegerField(read_only=True)
    classification_name = serializers.CharField(source="classification.name", read_only=True)
    rule_expression = serializers.DictField(read_only=True)

    class Meta:
        model = ClassificationRule
        fields = (
            "id", "rule_name", "rule_group_id", "rule_version", "classification_id", "classification_name", "db_type",
            "rule_expression", "is_active", "superseded_at", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ExpressionField(serializers.JSONField):
    """An expression: an object, or its JSON text."""


class RuleChange(Body):
    """What of a rule can be changed; another expression makes another version."""

    rule_name = serializers.CharField(max_length=100, required=False)
    rule_expression = ExpressionField(required=False)
    is_active = serializers.BooleanField(required=False)


class WholeRule(Body):
    """A rule in full, but for its class and database kind, which stay."""

    rule_name = serializers.CharField(max_length=100)
    rule_expression = ExpressionField()
    is_active = serializers.BooleanField(required=False)


class NewRule(WholeRule):
    """A new rule."""

    classification_id = IdField()
    db_type = serializers.CharField(max_length=32)


class ExpressionRequest(Body):
    """An expression to look at; with a database kind, its names are looked up, too."""

    rule_expression = ExpressionField()
    db_type = serializers.CharField(max_length=32, required=False)


class PreviewRequest(Body):
    """A draft. `rule_id` names the rule that it would replace."""

    rule_expression = ExpressionField()
    classification_id = IdField()
    db_type = serializers.CharField(max_length=32)
    rule_id = IdField(required=False)
    instance_ids = serializers.ListField(child=IdField(), required=False, allow_empty=False, max_length=10_000)


class ExplainRequest(Body):
    """An account, and a stored rule or an expression."""

    account_id = IdField()
    rule_id = IdField(required=False)
    rule_expression = ExpressionField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("rule_id" in attrs) == ("rule_expression" in attrs):
            raise serializers.ValidationError(_("Name either rule_id or rule_expression."))
        return attrs


class AssignmentSerializer(ModelSerializer[AccountClassificationAssignment]):
    """One reason why an account is in a class."""

    account_id = serializers.IntegerField(read_only=True)
    account = serializers.CharField(source="account.display_name", read_only=True)
    instance_id = serializers.IntegerField(source="account.instance_id", read_only=True)
    instance_name = serializers.CharField(source="account.instance.name", read_only=True)
    classification_id = serializers.IntegerField(read_only=True)
    classification_name = serializers.CharField(source="classification.name", read_only=True)
    rule_id = serializers.IntegerField(read_only=True, allow_null=True)
    rule_name = serializers.CharField(source="rule.rule_name", default=None, read_only=True)
    assigned_by = serializers.CharField(source="assigned_by.username", default=None, read_only=True)

    class Meta:
        model = AccountClassificationAssignment
        fields = (
            "id", "account_id", "account", "instance_id", "instance_name", "classification_id", "classification_name",
            "rule_id", "rule_name", "assignment_type", "is_active", "assigned_at", "assigned_by", "notes",
        )  # fmt: skip
        read_only_fields = fields


class NewAssignment(Body):
    """An account to put into a class by hand."""

    account_id = IdField()
    classification_id = IdField()
    notes = serializers.CharField(max_length=10_000, required=False, allow_blank=True, default="")


class ClassificationRequest(Body):
    """Which instances to classify: all active ones unless named."""

    instance_ids = serializers.ListField(child=IdField(), required=False, allow_empty=False, max_length=10_000)


class OlderRunRequest(Body):
    """What older scripts send; `use_optimized` is accepted and means nothing."""

    instance_id = IdField(required=False, allow_null=True)
    use_optimized = serializers.BooleanField(required=False)


class ClassificationStarted(serializers.Serializer[Any]):
    """The session that was started."""

    session_id = serializers.UUIDField()
    total_instances = serializers.IntegerField()


class NameWarning(serializers.Serializer[Any]):
    """A name that the database kind is not known to have."""

    path = serializers.CharField()
    message = serializers.CharField()


class CheckedExpression(serializers.Serializer[Any]):
    """An expression in its canonical form."""

    rule_expression = serializers.DictField()
    warnings = NameWarning(many=True)


class NamedAccount(serializers.Serializer[Any]):
    """An account in a list."""

    account_id = serializers.IntegerField()
    account = serializers.CharField()
    instance_id = serializers.IntegerField()
    instance_name = serializers.CharField()


class PreviewAnswer(serializers.Serializer[Any]):
    """Who would enter and leave; the counts are exact as far as `is_complete`, the lists hold the first ones."""

    evaluated = serializers.IntegerField()
    matched = serializers.IntegerField()
    entering = serializers.IntegerField()
    leaving = serializers.IntegerField()
    unknown = serializers.IntegerField()
    without_facts = serializers.IntegerField()
    is_complete = serializers.BooleanField()
    entering_accounts = NamedAccount(many=True)
    leaving_accounts = NamedAccount(many=True)
    unknown_accounts = NamedAccount(many=True)
    without_facts_accounts = NamedAccount(many=True)


class ExplanationNode(serializers.Serializer[Any]):
    """A node with its outcome; `children` are nodes of the same shape."""

    path = serializers.CharField()
    name = serializers.CharField()
    args = serializers.DictField()
    outcome = serializers.CharField(help_text="true, false or unknown")
    evidence = serializers.ListField(child=serializers.CharField())
    unread = serializers.ListField(
        child=serializers.CharField(), help_text="scopes that were never read, while the outcome is unknown"
    )
    children = serializers.ListField(child=serializers.DictField())
