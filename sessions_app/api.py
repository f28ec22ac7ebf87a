"""The session center for programs."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from sessions_app import progress, serializers, services
from sessions_app.filters import RecordFilter, SessionFilter
from sessions_app.models import RecordStatus, SyncSession
from sessions_app.statistics import session_statistics
from whalefall.api.envelope import Answer
from whalefall.api.paging import DEFAULT_LIMIT, MAX_LIMIT, EnvelopePagination
from whalefall.api.permissions import current_user
from whalefall.api.serializers import Body
from whalefall.errors import NotFound

MAX_SESSIONS = 100  # a page: each running one costs a count of its records
RECORD_SORT = {"id": "id", "instance_name": "instance_name", "started_at": "started_at", "status": "status"}
PAGE_PARAMETERS = [
    OpenApiParameter("page", int),
    OpenApiParameter("limit", int),
    OpenApiParameter("sort", str, enum=list(RECORD_SORT)),
    OpenApiParameter("order", str, enum=["asc", "desc"]),
]


@extend_schema_view(list=extend_schema(summary="Sessions, newest first"))
class SyncSessionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[SyncSession]):
    """Sync sessions: what ran, what runs, and what became of each instance."""

    queryset = SyncSession.objects.select_related("created_by", "retry_of")
    serializer_class = serializers.SessionSerializer
    filterset_class = SessionFilter
    lookup_field = "session_id"
    permissions_required: ClassVar[dict[str, str]] = {
        "cancel": "sessions_app.cancel_syncsession",
        "retry": "sessions_app.retry_syncsession",
    }

    @property
    def of_records(self) -> bool:
        """Whether this action lists records."""
        return self.action in ("records", "error_logs")

    @property
    def max_limit(self) -> int:
        return MAX_LIMIT if self.of_records else MAX_SESSIONS

    @property
    def sort_fields(self) -> dict[str, str]:
        if self.of_records:
            return RECORD_SORT
        return {"started_at": "started_at", "completed_at": "completed_at", "status": "status"}

    @property
    def default_sort(self) -> str:
        return "id" if self.of_records else "started_at"

    @property
    def default_order(self) -> str:
        return "asc" if self.of_records else "desc"

    def get_object(self) -> SyncSession:
        name = self.kwargs["session_id"]
        try:
            session = self.get_queryset().get(session_id=UUID(name))
        except (ValueError, SyncSession.DoesNotExist):
            raise NotFound(what=_("Sync session"), name=name) from None
        self.check_object_permissions(self.request, session)
        return session

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        if not self.of_records:
            progress.add_live_counts(page or [])
        return page

    @extend_schema(summary="One session", responses=serializers.SessionDetailDocument)
    def retrieve(self, request: Request, session_id: str) -> Response:
        session: Any = self.get_object()
        progress.add_live_counts([session])
        session.records_total = sum(session.counts.values())
        session.instance_records = list(_records(session).order_by("pk")[:DEFAULT_LIMIT])
        session.retry_ids = list(session.retries.order_by("pk").values_list("session_id", flat=True))
        return Response({"session": serializers.SessionDetailSerializer(session).data})

    @extend_schema(summary="Sessions in numbers", responses=serializers.Statistics)
    @action(detail=False)
    def statistics(self, request: Request) -> Response:
        return Response(session_statistics())

    @extend_schema(summary="The records of a session", responses=serializers.RecordSerializer(many=True))
    @action(detail=True, filterset_class=RecordFilter)
    def records(self, request: Request, session_id: str) -> Response:
        page = self.paginate_queryset(self.filter_queryset(_records(self.get_object())))
        return self.get_paginated_response(serializers.RecordSerializer(page, many=True).data)

    @extend_schema(
        summary="What failed in a session, and why", parameters=PAGE_PARAMETERS, responses=serializers.ErrorLogs
    )
    @action(detail=True, url_path="error-logs", filterset_class=None)
    def error_logs(self, request: Request, session_id: str) -> Response:
        session = self.get_object()
        progress.add_live_counts([session])
        failed = _records(session).filter(status=RecordStatus.FAILED)
        shown = self.paginate_queryset(self.filter_queryset(failed))
        page = cast("EnvelopePagination", self.paginator).document(shown)
        records = serializers.RecordSerializer(page.pop("items"), many=True).data
        return Response(
            {
                "session": serializers.SessionSerializer(session).data,
                "error_records": records,
                "error_count": page["total"],
                "error_groups": [group.as_dict() for group in progress.error_groups(session)],
                **page,
            }
        )

    @extend_schema(summary="Cancel a session", request=None, responses=serializers.SessionDocument)
    @action(detail=True, methods=["post"], url_path="actions/cancel")
    def cancel(self, request: Request, session_id: str) -> Response:
        session = self.get_object()
        Body.of(request)
        session = services.cancel_session(session)
        return Answer({"session": serializers.SessionSerializer(session).data}, message=_("The session is cancelled"))

    @extend_schema(
        summary="Start a new session over what failed",
        request=serializers.RetryRequest,
        responses=serializers.StartedSession,
    )
    @action(detail=True, methods=["post"], url_path="actions/retry")
    def retry(self, request: Request, session_id: str) -> Response:
        session = self.get_object()
        asked = serializers.RetryRequest.of(request)
        started = services.retry_session(session, user=current_user(request), **asked)
        return Answer(
            {"session_id": started.session_id, "session": serializers.SessionSerializer(started).data},
            message=_("The retry has started"),
        )


def _records(session: SyncSession) -> QuerySet[Any]:
    return session.records.select_related("session").defer("session__summary", "session__error_summary")
