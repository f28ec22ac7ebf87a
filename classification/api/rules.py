"""Rules: written, tried out and explained."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

import dbms
from accounts_sync.models import InstanceAccount
from classification import preview, services
from classification.api import classes, serializers
from classification.dsl.names import warnings
from classification.dsl.parse import parse
from classification.models import ClassificationRule
from instances.filters import Flag, Id
from instances.lookups import BIGGEST_ID
from whalefall.api.envelope import Answer
from whalefall.api.permissions import current_user
from whalefall.errors import NotFound, ValidationFailed

VIEW = "classification.view_classificationrule"


class RuleFilter(django_filters.FilterSet):
    """Current versions unless `all_versions` asks for every one."""

    classification_id = Id(field_name="classification")
    db_type = django_filters.ChoiceFilter(choices=dbms.choices)
    rule_group_id = django_filters.UUIDFilter()
    is_active = Flag()
    all_versions = Flag(method="with_old_ones")

    def with_old_ones(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset

    def filter_queryset(self, queryset: Any) -> Any:
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data.get("all_versions") else found.filter(superseded_at__isnull=True)


@extend_schema_view(list=extend_schema(summary="Rules"), retrieve=extend_schema(summary="One version of a rule"))
class RuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ClassificationRule]):
    """Rules that bring accounts into classes."""

    queryset = ClassificationRule.objects.select_related("classification")
    serializer_class = serializers.RuleSerializer
    filterset_class = RuleFilter
    sort_fields: ClassVar[dict[str, str]] = {"id": "id", "rule_name": "rule_name", "db_type": "db_type"}
    default_sort = "id"
    permissions_required: ClassVar[dict[str, str]] = {
        "validate_expression": VIEW,
        "preview_draft": VIEW,
        "explain": VIEW,
    }

    def get_object(self) -> ClassificationRule:
        return self.find(self.kwargs["pk"])

    def find(self, pk: Any) -> ClassificationRule:
        """A version by its id. Raises NotFound."""
        found = self.get_queryset().filter(pk=pk).first() if int(pk) <= BIGGEST_ID else None
        if found is None:
            raise NotFound(what=_("Classification rule"), name=pk)
        return found

    @extend_schema(summary="Add a rule", request=serializers.NewRule, responses={201: serializers.RuleSerializer})
    def create(self, request: Request) -> Response:
        asked = serializers.NewRule.of(request)
        rule = services.create_rule(
            classification=classes.find(asked.pop("classification_id")),
            expression=asked.pop("rule_expression"),
            user=current_user(request),
            **asked,
        )
        return Answer(self.get_serializer(rule).data, status=201)

    @extend_schema(summary="Replace a rule", request=serializers.WholeRule, responses=serializers.RuleSerializer)
    def update(self, request: Request, pk: int) -> Response:
        rule = self.get_object()
        return self.change(request, rule, serializers.WholeRule.of(request))

    @extend_schema(
        summary="Change a rule; another expression makes another version",
        request=serializers.RuleChange,
        responses=serializers.RuleSerializer,
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        rule = self.get_object()
        return self.change(request, rule, serializers.RuleChange.of(request))

    def change(self, request: Request, rule: ClassificationRule, asked: dict[str, Any]) -> Response:
        """Change a rule and answer with the version that counts from now on."""
        expression = asked.pop("rule_expression", None)
        changed = services.update_rule(rule, expression=expression, user=current_user(request), **asked)
        return Answer(self.get_serializer(changed).data, message=_("The next run evaluates the rule"))

    @extend_schema(summary="Take a rule out of use", responses={200: OpenApiResponse(description="Done")})
    def destroy(self, request: Request, pk: int) -> Response:
        services.delete_rule(self.get_object())
        return Answer(None, message=_("The next run takes the rule's accounts out"))

    @extend_schema(
        summary="Check an expression",
        request=serializers.ExpressionRequest,
        responses=serializers.CheckedExpression,
    )
    @action(detail=False, methods=["post"], url_path="actions/validate-expression", filterset_class=None)
    def validate_expression(self, request: Request) -> Response:
        asked = serializers.ExpressionRequest.of(request)
        expression = services.read_expression(asked["rule_expression"])
        found = warnings(expression, dbms.normalize(asked["db_type"])) if "db_type" in asked else []
        return Answer(
            {
                "rule_expression": expression.document(),
                "warnings": [{"path": path, "message": text} for path, text in found],
            }
        )

    @extend_schema(
        summary="Who would enter and leave by a draft",
        request=serializers.PreviewRequest,
        responses=serializers.PreviewAnswer,
    )
    @action(detail=False, methods=["post"], url_path="actions/preview", filterset_class=None)
    def preview_draft(self, request: Request) -> Response:
        asked = serializers.PreviewRequest.of(request)
        db_type, classification = dbms.normalize(asked["db_type"]), classes.find(asked["classification_id"])
        group = None
        if "rule_id" in asked:
            rule = self.find(asked["rule_id"])
            if (rule.classification_id, rule.db_type) != (classification.pk, db_type):
                raise ValidationFailed(detail=_("the rule belongs to another class or database kind"))
            group = rule.rule_group_id
        result = preview.preview(
            services.read_expression(asked["rule_expression"]),
            db_type=db_type,
            classification=classification,
            rule_group_id=group,
            instance_ids=asked.get("instance_ids"),
        )
        return Answer(preview.document(result))

    @extend_schema(
        summary="Why a rule holds or does not hold for an account",
        request=serializers.ExplainRequest,
        responses=serializers.ExplanationNode,
    )
    @action(detail=False, methods=["post"], url_path="actions/explain", filterset_class=None)
    def explain(self, request: Request) -> Response:
        asked = serializers.ExplainRequest.of(request)
        account = InstanceAccount.objects.filter(pk=asked["account_id"]).first()
        if account is None:
            raise NotFound(what=_("Account"), name=asked["account_id"])
        if "rule_id" in asked:
            expression = parse(self.find(asked["rule_id"]).rule_expression)
        else:
            expression = services.read_expression(asked["rule_expression"])
        return Answer(preview.explain_account(account, expression).document())
