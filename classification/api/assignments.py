"""Who is in which class, and why."""

from __future__ import annotations

from typing import ClassVar

import django_filters
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

import dbms
from accounts_sync.models import InstanceAccount
from classification import services
from classification.api import classes, serializers
from classification.models import AccountClassificationAssignment, AssignmentType
from instances.filters import Id
from instances.lookups import BIGGEST_ID
from whalefall.api.envelope import Answer
from whalefall.api.permissions import current_user
from whalefall.errors import NotFound

CHANGE = "classification.change_accountclassificationassignment"


class AssignmentFilter(django_filters.FilterSet):
    classification_id = Id(field_name="classification")
    account_id = Id(field_name="account")
    rule_id = Id(field_name="rule")
    instance_id = Id(field_name="account__instance")
    db_type = django_filters.ChoiceFilter(field_name="account__db_type", choices=dbms.choices)
    assignment_type = django_filters.ChoiceFilter(choices=AssignmentType.choices)


@extend_schema_view(list=extend_schema(summary="Why accounts are in their classes"))
class AssignmentViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[AccountClassificationAssignment]):
    """Assignments, by rules and by hand."""

    queryset = AccountClassificationAssignment.objects.effective().select_related(
        "account__instance", "classification", "rule", "assigned_by"
    )
    serializer_class = serializers.AssignmentSerializer
    filterset_class = AssignmentFilter
    sort_fields: ClassVar[dict[str, str]] = {"id": "id", "assigned_at": "assigned_at"}
    default_sort = "id"
    # Who may change what people said, too, takes it back: an operator's own word is not for an admin alone.
    permissions_required: ClassVar[dict[str, str]] = {"create": CHANGE, "destroy": CHANGE}

    @extend_schema(
        summary="Put an account into a class by hand",
        request=serializers.NewAssignment,
        responses={201: serializers.AssignmentSerializer},
    )
    def create(self, request: Request) -> Response:
        asked = serializers.NewAssignment.of(request)
        account = InstanceAccount.objects.active().filter(pk=asked["account_id"]).first()
        if account is None:
            raise NotFound(what=_("Account"), name=asked["account_id"])
        assigned = services.assign(
            account, classes.find(asked["classification_id"]), user=current_user(request), notes=asked["notes"]
        )
        return Answer(self.get_serializer(assigned).data, status=201)

    @extend_schema(summary="Take back what was assigned by hand", responses={200: OpenApiResponse(description="Done")})
    def destroy(self, request: Request, pk: int) -> Response:
        found = AccountClassificationAssignment.objects.filter(pk=pk).first() if pk <= BIGGEST_ID else None
        if found is None:
            raise NotFound(what=_("Class of an account"), name=pk)
        services.withdraw(found)
        return Answer(None, message=_("The account is taken out of the class"))
