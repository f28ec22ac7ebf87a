"""The form of a rule."""

from __future__ import annotations

from typing import Any

import orjson
from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

from classification import services
from classification.admin.editor import ExpressionWidget
from classification.admin.saving import StoringForm
from classification.models import ClassificationRule
from whalefall.errors import DslV4Required, InvalidDslExpression, ValidationFailed, WhaleFallError
from whalefall.messages import render_error

START = '{"version": 4, "expr": {"op": "AND", "args": [{"fn": "has_privilege", "args": {}}]}}'


class ExpressionField(forms.CharField):
    """An expression as JSON text; cleaned, it is the canonical document."""

    widget = ExpressionWidget

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        return value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return services.read_expression(text).document()
        except WhaleFallError as error:
            raise forms.ValidationError(render_error(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(services.read_expression(data).document() != initial)
        except WhaleFallError:
            return True


class RuleForm(StoringForm):
    """A rule as services take it; another expression makes another version."""

    rule_expression = ExpressionField(label=_("Expression"), initial=START)

    class Meta:
        model = ClassificationRule
        fields = ("rule_name", "classification", "db_type", "is_active", "rule_expression")

    def check(self) -> None:
        wanted, known = self.cleaned_data, self.instance
        replaced = ClassificationRule.objects.get(pk=known.pk) if known.pk else None
        try:
            services.check_rule(
                classification=replaced.classification if replaced else wanted["classification"],
                db_type=replaced.db_type if replaced else wanted["db_type"],
                rule_name=wanted["rule_name"],
                expression=wanted["rule_expression"],
                replaces=replaced,
            )
        except (DslV4Required, InvalidDslExpression, ValidationFailed) as error:
            self.refuse("rule_expression", error)
        except WhaleFallError as error:
            self.refuse(None, error)

    def store(self, user: User) -> ClassificationRule:
        wanted = dict(self.cleaned_data)
        expression = wanted.pop("rule_expression")
        if self.instance.pk:
            return services.update_rule(self.instance, expression=expression, user=user, **wanted)
        return services.create_rule(expression=expression, user=user, **wanted)
