"""Filters of the session center."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from sessions_app.models import Outcome, SessionStatus, SyncInstanceRecord, SyncSession


class OutcomeFilter(DropdownFilter):
    """How sessions ended."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [(outcome.value, str(outcome.label)) for outcome in Outcome]

    def queryset(self, request: HttpRequest, queryset: QuerySet[SyncSession]) -> QuerySet[SyncSession]:
        match self.value():
            case Outcome.CLEAN:
                return queryset.filter(status=SessionStatus.COMPLETED, failed_instances=0, successful_instances__gt=0)
            case Outcome.EMPTY:
                return queryset.filter(status=SessionStatus.COMPLETED, failed_instances=0, successful_instances=0)
            case Outcome.PARTIAL:
                return queryset.filter(status=SessionStatus.FAILED, successful_instances__gt=0)
            case Outcome.FAILED:
                return queryset.filter(status=SessionStatus.FAILED, successful_instances=0)
            case Outcome.CANCELLED:
                return queryset.filter(status=SessionStatus.CANCELLED)
            case _:
                return queryset


class SessionFilter(TextFilter):
    """Records of one session, by its id or the beginning of it."""

    title = _("session")
    parameter_name = "session"

    def queryset(self, request: HttpRequest, queryset: QuerySet[SyncInstanceRecord]) -> QuerySet[SyncInstanceRecord]:
        value = (self.value() or "").strip()
        return queryset.filter(session__session_id__startswith=value) if value else queryset


class ReasonFilter(TextFilter):
    """Records that ended for a reason."""

    title = _("reason")
    parameter_name = "reason"

    def queryset(self, request: HttpRequest, queryset: QuerySet[SyncInstanceRecord]) -> QuerySet[SyncInstanceRecord]:
        value = (self.value() or "").strip()
        return queryset.filter(reason=value) if value else queryset
