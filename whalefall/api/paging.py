"""Pages and their order: page, limit, sort, order. Strict: what cannot be done is refused, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from whalefall.errors import PageTooDeep, ValidationFailed

DEFAULT_LIMIT = 20
MAX_LIMIT = 200
DEEPEST = 10_000  # page × limit; behind it an offset reads more than it returns


def _number(request: Request, name: str, *, default: int, most: int | None = None) -> int:
    raw = request.query_params.get(name, "").strip()
    if not raw:
        return default
    template = (
        _("{name} must be a whole number from 1 to {most}") if most else _("{name} must be a whole number from 1 on")
    )
    wanted = template.format(name=name, most=most)
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 9):
        raise ValidationFailed(detail=wanted, extra={"fields": {name: [wanted]}})
    value = int(raw)
    if value < 1 or (most is not None and value > most):
        raise ValidationFailed(detail=wanted, extra={"fields": {name: [wanted]}})
    return value


def _choice(request: Request, name: str, choices: Mapping[str, Any] | tuple[str, ...], default: str) -> str:
    value = request.query_params.get(name, "").strip() or default
    if value not in choices:
        wanted = _("{name} must be one of: {choices}").format(name=name, choices=", ".join(choices))
        raise ValidationFailed(detail=wanted, extra={"fields": {name: [wanted]}})
    return value


class SortBackend(BaseFilterBackend):
    """Orders by `sort` and `order`; a view says `sort_fields = {name: column}`, `default_sort`, `default_order`."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        fields: Mapping[str, str] = view.sort_fields
        column = fields[_choice(request, "sort", fields, view.default_sort)]
        order = _choice(request, "order", ("asc", "desc"), getattr(view, "default_order", "asc"))
        # Rows without a value come last either way and on every database; the id makes pages stable.
        if order == "desc":
            return queryset.order_by(F(column).desc(nulls_last=True), "-pk")
        return queryset.order_by(F(column).asc(nulls_last=True), "pk")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            _parameter("sort", {"type": "string", "enum": list(view.sort_fields), "default": view.default_sort}),
            _parameter(
                "order", {"type": "string", "enum": ["asc", "desc"], "default": getattr(view, "default_order", "asc")}
            ),
        ]


class EnvelopePagination(BasePagination):
    """`items, total, page, pages, limit`. A page beyond the last one is empty, not an error."""

    page = pages = total = 0
    limit = DEFAULT_LIMIT

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.page = _number(request, "page", default=1)
        self.limit = _number(request, "limit", default=DEFAULT_LIMIT, most=getattr(view, "max_limit", MAX_LIMIT))
        if self.page * self.limit > DEEPEST:
            raise PageTooDeep(page=self.page, limit=self.limit, most=DEEPEST)
        self.total = queryset.count()
        self.pages = -(-self.total // self.limit)
        start = (self.page - 1) * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def document(self, items: Any) -> dict[str, Any]:
        """The page as data."""
        return {
            "items": items,
            "total": self.total,
            "page": self.page,
            "pages": self.pages,
            "limit": self.limit,
        }

    def get_paginated_response(self, data: Any) -> Response:
        return Response(self.document(data))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        most = getattr(view, "max_limit", MAX_LIMIT)
        return [
            _parameter("page", {"type": "integer", "minimum": 1, "default": 1}),
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": most, "default": DEFAULT_LIMIT}),
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        numbers = {name: {"type": "integer"} for name in ("total", "page", "pages", "limit")}
        return {
            "type": "object",
            "required": ["items", *numbers],
            "properties": {"items": schema, **numbers},
        }


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}
