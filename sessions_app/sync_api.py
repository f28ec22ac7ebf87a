"""Starting a category over REST: over many instances by the workers, or over one while the caller waits."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import dbms
from instances.models import Instance, InstanceQuerySet, Tag
from sessions_app import services
from sessions_app.models import OPEN, RecordStatus, SyncInstanceRecord, SyncType
from whalefall import messages
from whalefall.api.envelope import Answer
from whalefall.api.errors import Conflict
from whalefall.api.permissions import current_user
from whalefall.api.serializers import Body
from whalefall.errors import InstanceDisabled, NotFound, SessionFinished, ValidationFailed

RUN_SYNC = "instances.run_sync"
CONDITIONS = ("instance_ids", "tags", "db_type")


class ManyInstances(Body):
    """Which instances to synchronize: all active ones unless narrowed; several conditions must all hold."""

    instance_ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        allow_empty=False,
        max_length=10_000,
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, allow_empty=False, help_text="Any of these tags."
    )
    db_type = serializers.CharField(required=False)


class BatchStarted(serializers.Serializer[Any]):
    """The session that was started; instances that were named but are disabled take no part."""

    session_id = serializers.UUIDField()
    total_instances = serializers.IntegerField()
    inactive_instance_ids = serializers.ListField(child=serializers.IntegerField())


class SyncResult(serializers.Serializer[Any]):
    """What one synchronization did. `success` is null while it is not known."""

    success = serializers.BooleanField(allow_null=True)
    status = serializers.ChoiceField(choices=RecordStatus.choices)
    message = serializers.CharField()
    synced_count = serializers.IntegerField()
    added_count = serializers.IntegerField()
    modified_count = serializers.IntegerField()
    removed_count = serializers.IntegerField()
    details = serializers.DictField()
    session_id = serializers.UUIDField()


class SyncResultDocument(serializers.Serializer[Any]):
    """`{result: …}`"""

    result = SyncResult()


class SyncMany(APIView):
    """Starts a category over many instances; what the body may say beside the instances becomes parameters."""

    category: ClassVar[str]
    body: ClassVar[type[Body]] = ManyInstances
    permissions_required: ClassVar[dict[str, str]] = {"post": RUN_SYNC}

    def post(self, request: Request) -> Response:
        asked = self.body.of(request)
        chosen = _choose(asked)
        narrowed = any(name in asked for name in CONDITIONS)
        session = services.start_session(
            category=self.category,
            sync_type=SyncType.MANUAL_BATCH if narrowed else SyncType.MANUAL_TASK,
            instances=chosen,
            user=current_user(request),
            parameters=_parameters(asked),
        )
        inactive = chosen.filter(is_active=False).values_list("pk", flat=True) if "instance_ids" in asked else ()
        return Answer(
            {
                "session_id": session.session_id,
                "total_instances": session.total_instances,
                "inactive_instance_ids": sorted(inactive),
            },
            message=_("The synchronization has started"),
        )


class SyncOne(APIView):
    """Starts a category over one instance, and waits for SYNC_INLINE_SECONDS at most."""

    category: ClassVar[str]
    body: ClassVar[type[Body]] = Body
    done_text: ClassVar[str | Promise]  # what a completed record did, with {synced}, {created}, {updated} and {deleted}
    nothing_to_do: ClassVar[frozenset[str]] = frozenset()  # reasons of a skipped record that are an answer, no conflict
    permissions_required: ClassVar[dict[str, str]] = {"post": RUN_SYNC}

    def post(self, request: Request, pk: int) -> Response:
        asked = self.body.of(request)
        instance = Instance.objects.present().filter(pk=pk).first() if pk < 2**63 else None
        if instance is None:
            raise NotFound(what=_("Instance"), name=pk)
        record = services.sync_single(
            category=self.category,
            instance=instance,
            user=current_user(request),
            parameters=_parameters(asked),
        )
        result = self.result(record)
        if record.status == RecordStatus.COMPLETED or record.reason in self.nothing_to_do:
            return Answer({"result": result}, message=result["message"])
        if record.status in OPEN:
            return Answer({"result": {**result, "status": RecordStatus.RUNNING}}, message=result["message"], status=202)
        extra = {"result": result, "session_id": result["session_id"]}
        if record.status == RecordStatus.FAILED:
            raise Conflict(messages.revive(record.message_code, record.reason, record.error_params, extra=extra))
        if record.reason == InstanceDisabled.reason:
            raise InstanceDisabled(instance=record.instance_name, extra=extra)
        raise SessionFinished(session_id=result["session_id"], status=record.get_status_display(), extra=extra)

    def result(self, record: SyncInstanceRecord) -> dict[str, Any]:
        """What the record says of what was done."""
        success = None if record.status in OPEN else record.status == RecordStatus.COMPLETED
        if success is None:
            message = _("Still running; the session tells how it ends")
        elif success:
            message = str(self.done_text).format(
                synced=record.items_synced,
                created=record.items_created,
                updated=record.items_updated,
                deleted=record.items_deleted,
            )
        else:
            message = record.error_message or str(record.get_status_display())
        return {
            "success": success,
            "status": record.status,
            "message": message,
            "synced_count": record.items_synced,
            "added_count": record.items_created,
            "modified_count": record.items_updated,
            "removed_count": record.items_deleted,
            "details": record.sync_details,
            "session_id": str(record.session.session_id),
        }


def _choose(asked: dict[str, Any]) -> InstanceQuerySet:
    """The present instances that a request names. Raises ValidationFailed for what does not exist."""
    chosen = Instance.objects.present()
    if "db_type" in asked:
        chosen = chosen.filter(db_type=dbms.normalize(asked["db_type"]))
    if "tags" in asked:
        names = set(asked["tags"])
        tags = dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
        _refuse(names - set(tags), what="tags")
        chosen = chosen.filter(pk__in=Instance.tags.through.objects.filter(tag__in=tags.values()).values("instance"))
    if "instance_ids" in asked:
        ids = set(asked["instance_ids"])
        known = set(Instance.objects.present().filter(pk__in=ids).values_list("pk", flat=True))
        _refuse(ids - known, what="instance_ids")
        chosen = chosen.filter(pk__in=ids)
    return chosen


def _refuse(unknown: set[Any], *, what: str) -> None:
    if unknown:
        names = sorted(unknown)
        shown = ", ".join(map(str, names[:20])) + (" …" if len(names) > 20 else "")
        raise ValidationFailed(
            detail=_("unknown {what}: {names}").format(what=what, names=shown), extra={f"unknown_{what}": names}
        )


def _parameters(asked: dict[str, Any]) -> dict[str, Any]:
    """What a request says beside the instances, as far as it asks for something."""
    return {name: value for name, value in asked.items() if name not in CONDITIONS and value}
