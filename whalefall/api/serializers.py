"""What serializers share: times are told in UTC, whatever the server's time zone is."""

from __future__ import annotations

from datetime import UTC
from typing import Any, ClassVar, TypeVar

from django.db import models
from rest_framework import serializers


class UtcDateTimeField(serializers.DateTimeField):
    """`2026-11-22T03:38:01.710000Z`"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"default_timezone": UTC, **kwargs})


M = TypeVar("M", bound=models.Model)


class ModelSerializer(serializers.ModelSerializer[M]):
    """A model's fields, times in UTC."""

    serializer_field_mapping: ClassVar[dict[type[models.Field[Any, Any]], type[serializers.Field]]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: UtcDateTimeField,
    }
