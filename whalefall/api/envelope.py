"""The documents that every endpoint answers with. Views return plain data; this is where it is wrapped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from whalefall import messages
from whalefall.errors import WhaleFallError

# (category, severity) by HTTP status; codes that tell more come first.
_BY_CODE = {
    "CSRF_MISSING": ("security", "medium"),
    "CSRF_INVALID": ("security", "medium"),
    "DATABASE_CONNECTION_ERROR": ("external", "medium"),
    "DATABASE_TIMEOUT": ("network", "medium"),
    "SYNC_DATA_ERROR": ("external", "medium"),
    "DATABASE_QUERY_ERROR": ("database", "high"),
    "INVALID_REQUEST": ("business", "medium"),
}
_BY_STATUS = {
    400: ("validation", "low"),
    401: ("authentication", "medium"),
    403: ("authorization", "medium"),
    404: ("business", "low"),
    409: ("business", "medium"),
    429: ("security", "medium"),
}


def timestamp() -> str:
    """Now, as every document says it: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def success(data: Any, *, message: str = "", meta: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The document of what succeeded; `data` and `meta` are left out when there is nothing to say."""
    document: dict[str, Any] = {
        "success": True,
        "error": False,
        "message": message or _("Done"),
        "timestamp": timestamp(),
    }
    if data is not None:
        document["data"] = data
    if meta is not None:
        document["meta"] = meta
    return document


def failure(
    error: WhaleFallError, request: HttpRequest | Request | None, *, error_id: str, status: int
) -> dict[str, Any]:
    """The document of what failed, in the reader's language."""
    category, severity = _BY_CODE.get(error.message_code) or _BY_STATUS.get(status) or ("system", "high")
    hint = messages.hint(error.message_code, error.reason, error.params)
    document: dict[str, Any] = {
        "success": False,
        "error": True,
        "error_id": error_id,
        "category": category,
        "severity": severity,
        "message_code": error.message_code,
        "message": messages.render_error(error),
        "timestamp": timestamp(),
        "recoverable": status < 500,
        "suggestions": [hint] if hint else [],
        "context": {
            "request_id": getattr(request, "request_id", ""),
            "url": request.path if request else "",
            "method": request.method if request else "",
        },
    }
    if error.extra:
        document["extra"] = error.extra
    return document


class Answer(Response):
    """A response whose success document carries a message of its own."""

    def __init__(
        self, data: Any = None, *, message: str = "", meta: Mapping[str, Any] | None = None, status: int = 200
    ):
        super().__init__(data, status=status)
        self.message = message
        self.meta = meta


class EnvelopeRenderer(JSONRenderer):
    """Wraps what a view returned; an error document passes as it is."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is None or not response.exception:
            data = success(data, message=getattr(response, "message", ""), meta=getattr(response, "meta", None))
        return super().render(data, accepted_media_type, renderer_context)
