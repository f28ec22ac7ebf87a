"""Classes, and starting a run."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from classification import services
from classification.api import serializers
from classification.models import AccountClassification
from instances.lookups import BIGGEST_ID
from instances.models import Instance
from sessions_app.models import SyncType
from sessions_app.services import start_session
from whalefall.api.envelope import Answer
from whalefall.api.permissions import current_user
from whalefall.errors import NotFound, ValidationFailed

CATEGORY = "classification"
RUN_SYNC = "instances.run_sync"
CURRENT_RULES = Count("rules", filter=Q(rules__superseded_at__isnull=True))


@extend_schema_view(
    list=extend_schema(summary="Classes, the most important first"), retrieve=extend_schema(summary="One class")
)
class ClassificationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[AccountClassification]
):
    """Classes of accounts."""

    queryset = AccountClassification.objects.annotate(rules_count=CURRENT_RULES)
    serializer_class = serializers.ClassificationSerializer
    sort_fields: ClassVar[dict[str, str]] = {"priority": "priority", "code": "code", "risk_level": "risk_level"}
    default_sort, default_order = "priority", "desc"

    def get_object(self) -> AccountClassification:
        return find(self.kwargs["pk"])

    def answer(self, classification: AccountClassification, *, status: int = 200) -> Response:
        """A class as it is now."""
        return Answer(self.get_serializer(find(classification.pk)).data, status=status)

    @extend_schema(
        summary="Add a class",
        request=serializers.NewClassification,
        responses={201: serializers.ClassificationSerializer},
    )
    def create(self, request: Request) -> Response:
        asked = serializers.NewClassification.of(request)
        return self.answer(services.create_classification(**asked), status=201)

    @extend_schema(
        summary="Change a class",
        request=serializers.ClassificationChange,
        responses=serializers.ClassificationSerializer,
    )
    def update(self, request: Request, pk: int) -> Response:
        classification = self.get_object()
        asked = serializers.ClassificationChange.of(request)
        return self.answer(services.update_classification(classification, **asked))

    @extend_schema(
        summary="Change some fields of a class",
        request=serializers.ClassificationChange,
        responses=serializers.ClassificationSerializer,
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        return self.update(request, pk)

    @extend_schema(summary="Delete a class that nothing uses", responses={200: OpenApiResponse(description="Done")})
    def destroy(self, request: Request, pk: int) -> Response:
        services.delete_classification(self.get_object())
        return Answer(None, message=_("The class is deleted"))


class AutoClassify(APIView):
    """Starts a run."""

    permissions_required: ClassVar[dict[str, str]] = {"post": RUN_SYNC}

    @extend_schema(
        operation_id="auto_classify",
        summary="Classify the accounts of all or of some instances",
        request=serializers.ClassificationRequest,
        responses=serializers.ClassificationStarted,
    )
    def post(self, request: Request) -> Response:
        return start(request, serializers.ClassificationRequest.of(request).get("instance_ids"))


class OlderAutoClassify(APIView):
    """The same by its older path."""

    permissions_required: ClassVar[dict[str, str]] = {"post": RUN_SYNC}

    @extend_schema(exclude=True)
    def post(self, request: Request) -> Response:
        named = serializers.OlderRunRequest.of(request).get("instance_id")
        return start(request, None if named is None else [named])


def start(request: Request, instance_ids: list[int] | None) -> Response:
    """Start a session over the named instances, or over all."""
    chosen = Instance.objects.present()
    if instance_ids is not None:
        chosen = chosen.filter(pk__in=set(instance_ids))
        unknown = sorted(set(instance_ids) - set(chosen.values_list("pk", flat=True)))
        if unknown:
            names = ", ".join(map(str, unknown[:20]))
            raise ValidationFailed(
                detail=_("unknown {what}: {names}").format(what="instance_ids", names=names),
                extra={"unknown_instance_ids": unknown},
            )
    session = start_session(
        category=CATEGORY,
        sync_type=SyncType.MANUAL_TASK if instance_ids is None else SyncType.MANUAL_BATCH,
        instances=chosen,
        user=current_user(request),
    )
    return Answer(
        {"session_id": session.session_id, "total_instances": session.total_instances},
        message=_("The classification has started"),
    )


def find(pk: Any) -> AccountClassification:
    """A class by its id, with its rules counted. Raises NotFound."""
    known = AccountClassification.objects.annotate(rules_count=CURRENT_RULES)
    found = known.filter(pk=pk).first() if int(pk) <= BIGGEST_ID else None
    if found is None:
        raise NotFound(what=_("Account class"), name=pk)
    return found
