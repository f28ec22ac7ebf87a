"""Starts account synchronization over REST."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers

from sessions_app import sync_api
from sessions_app.models import SyncCategoryName
from sessions_app.sync_api import BatchStarted, ManyInstances, SyncResultDocument
from whalefall.api.serializers import Body


class OneSync(Body):
    """How to synchronize."""

    force = serializers.BooleanField(
        default=False, help_text="Accept an account list that is empty or much smaller than before."
    )


class ManySyncs(OneSync, ManyInstances):
    """Which instances to synchronize: all active ones unless narrowed; several conditions must all hold."""


@extend_schema_view(
    post=extend_schema(
        operation_id="sync_accounts",
        summary="Synchronize accounts of many instances",
        request=ManySyncs,
        responses=BatchStarted,
    )
)
class SyncAccounts(sync_api.SyncMany):
    """Over many instances, by the workers."""

    category, body = SyncCategoryName.ACCOUNT, ManySyncs


@extend_schema_view(
    post=extend_schema(
        operation_id="sync_instance_accounts",
        summary="Synchronize accounts of one instance",
        request=OneSync,
        responses={200: SyncResultDocument, 202: OpenApiResponse(SyncResultDocument, description="Still running")},
    )
)
class SyncInstanceAccounts(sync_api.SyncOne):
    """Over one instance, while the caller waits for SYNC_INLINE_SECONDS at most."""

    category, body = SyncCategoryName.ACCOUNT, OneSync
    done_text = _("{synced} accounts read: {created} added, {updated} changed, {deleted} removed")
