"""What serializers share: times are told in UTC, and a request says nothing that is not understood."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request


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


class Body(serializers.Serializer[Any]):
    """The body of a request; without fields of its own, one that must be empty.

    A key that it does not know is refused: ignored, a misspelt condition would mean everything.
    """

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What a request asks for, validated. Raises rest_framework's ValidationError."""
        body = cls(data=request.data)
        body.is_valid(raise_exception=True)
        asked: dict[str, Any] = body.validated_data
        return asked

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := data.keys() - self.fields.keys()):
            text = _("Unknown key; known are: {known}").format(known=", ".join(self.fields) or "–")
            # JSON may hold half a character, which no answer could.
            names = (name.encode(errors="replace").decode() for name in sorted(unknown))
            raise serializers.ValidationError({name: [text] for name in names})
        return super().to_internal_value(data)
