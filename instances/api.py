"""What programs can do with an instance."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from instances import breaker
from instances.models import Instance
from whalefall.api.envelope import Answer
from whalefall.api.serializers import Body, ModelSerializer
from whalefall.errors import NotFound


class BreakerSerializer(ModelSerializer[Instance]):
    """Whether an instance can be reached; `breaker_opened_at` is null unless it only is probed."""

    is_unreachable = serializers.BooleanField(read_only=True)

    class Meta:
        model = Instance
        fields = ("id", "name", "is_unreachable", "connection_failures", "breaker_opened_at", "probed_at")
        read_only_fields = fields


class BreakerDocument(serializers.Serializer[Any]):
    """`{instance: …}`"""

    instance = BreakerSerializer()


class ResetBreaker(APIView):
    """Have an instance that is only probed read as usual again. Again is no error."""

    permissions_required: ClassVar[dict[str, str]] = {"post": "instances.run_sync"}

    @extend_schema(
        operation_id="reset_breaker",
        summary="Reset the breaker of an unreachable instance",
        request=None,
        responses=BreakerDocument,
    )
    def post(self, request: Request, pk: int) -> Response:
        Body.of(request)
        instance = Instance.objects.present().filter(pk=pk).first() if pk < 2**63 else None
        if instance is None:
            raise NotFound(what=_("Instance"), name=pk)
        breaker.close(Instance.objects.filter(pk=pk))
        instance.refresh_from_db()
        return Answer({"instance": BreakerSerializer(instance).data}, message=_("The breaker is reset"))
