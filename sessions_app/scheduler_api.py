"""Schedules for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from sessions_app import progress, schedules
from sessions_app.cron import LONGEST
from sessions_app.models import SyncSession
from sessions_app.serializers import SessionSerializer
from sessions_app.timetable import SyncSchedule
from whalefall.api.envelope import Answer
from whalefall.api.permissions import current_user
from whalefall.api.serializers import Body, ModelSerializer, UtcDateTimeField
from whalefall.errors import NotFound


class ScheduleSerializer(ModelSerializer[SyncSchedule]):
    """A schedule: when it comes due, and what became of it."""

    id = serializers.CharField(source="key", read_only=True)
    name = serializers.CharField(source="label", read_only=True)
    sync_category = serializers.SerializerMethodField()
    description = serializers.CharField(source="words", read_only=True)
    state = serializers.SerializerMethodField()
    next_run = UtcDateTimeField(source="upcoming", read_only=True, allow_null=True)
    missed_at = UtcDateTimeField(read_only=True, allow_null=True)
    last_session = serializers.UUIDField(source="last_session.session_id", default=None, read_only=True)
    last_status = serializers.CharField(source="last_session.status", default=None, read_only=True)
    last_outcome = serializers.CharField(source="last_session.outcome", default=None, read_only=True)
    last_started_at = UtcDateTimeField(source="last_session.started_at", default=None, read_only=True)
    blocked_by = serializers.UUIDField(source="blocked_by.session_id", default=None, read_only=True)

    class Meta:
        model = SyncSchedule
        fields = (
            "id", "name", "sync_category", "cron", "description", "state", "is_editable", "next_run", "last_due_at",
            "missed_at", "last_session", "last_status", "last_outcome", "last_started_at", "blocked_by",
        )  # fmt: skip
        read_only_fields = fields

    def get_sync_category(self, schedule: SyncSchedule) -> str | None:
        return schedule.key if schedule.is_sync else None

    def get_state(self, schedule: SyncSchedule) -> str:
        return "paused" if schedule.is_paused else "active"


class ScheduleDocument(serializers.Serializer[Any]):
    """`{job: …}`"""

    job = ScheduleSerializer()


class StartedJob(serializers.Serializer[Any]):
    """What running a schedule by hand answers; no session for the engine's own upkeep."""

    session_id = serializers.UUIDField(allow_null=True)
    session = SessionSerializer(allow_null=True)


class ScheduleRequest(Body):
    """Other times: a cron expression of five fields."""

    cron = serializers.CharField(max_length=LONGEST)


@extend_schema_view(list=extend_schema(summary="Schedules and what became of them"))
class ScheduleViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[SyncSchedule]):
    """Schedules: what starts by itself, when, and whether it did."""

    queryset = SyncSchedule.objects.select_related("last_session", "blocked_by")
    serializer_class = ScheduleSerializer
    lookup_field = "key"
    lookup_url_kwarg = "job_id"
    sort_fields: ClassVar[dict[str, str]] = {"id": "key", "next_run": "next_run"}
    default_sort = "id"
    permissions_required: ClassVar[dict[str, str]] = {
        "pause": "sessions_app.change_syncschedule",
        "resume": "sessions_app.change_syncschedule",
        "run": "instances.run_sync",
    }

    def get_object(self) -> SyncSchedule:
        name = self.kwargs["job_id"]
        try:
            schedule = schedules.get(name)
        except NotFound:
            raise NotFound(what=_("Schedule"), name=name) from None
        self.check_object_permissions(self.request, schedule)
        return schedule

    @extend_schema(summary="One schedule", responses=ScheduleDocument)
    def retrieve(self, request: Request, job_id: str) -> Response:
        return _document(self.get_object())

    @extend_schema(summary="Give a schedule other times", request=ScheduleRequest, responses=ScheduleDocument)
    def update(self, request: Request, job_id: str) -> Response:
        schedule = self.get_object()
        asked = ScheduleRequest.of(request)
        return _document(schedules.edit(schedule, cron_text=asked["cron"]), _("The schedule is changed"))

    @extend_schema(summary="Start nothing by a schedule any more", request=None, responses=ScheduleDocument)
    @action(detail=True, methods=["post"], url_path="actions/pause")
    def pause(self, request: Request, job_id: str) -> Response:
        return self._switch(request, schedules.pause, _("The schedule is paused"))

    @extend_schema(summary="Go on with a schedule at its next time", request=None, responses=ScheduleDocument)
    @action(detail=True, methods=["post"], url_path="actions/resume")
    def resume(self, request: Request, job_id: str) -> Response:
        return self._switch(request, schedules.resume, _("The schedule goes on"))

    @extend_schema(summary="Run a schedule now", request=None, responses=StartedJob)
    @action(detail=True, methods=["post"], url_path="actions/run")
    def run(self, request: Request, job_id: str) -> Response:
        schedule = self.get_object()
        Body.of(request)
        session = schedules.run(schedule, user=current_user(request))
        return Answer(_started(session), message=_("The schedule runs"))

    def _switch(self, request: Request, switch: Callable[[SyncSchedule], SyncSchedule], message: str) -> Response:
        schedule = self.get_object()
        Body.of(request)
        return _document(switch(schedule), message)


def _document(schedule: SyncSchedule, message: str = "") -> Response:
    document = {"job": ScheduleSerializer(schedule).data}
    return Answer(document, message=message) if message else Response(document)


def _started(session: SyncSession | None) -> dict[str, Any]:
    if session is None:
        return {"session_id": None, "session": None}
    progress.add_live_counts([session])
    return {"session_id": session.session_id, "session": SessionSerializer(session).data}
