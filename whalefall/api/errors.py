"""Turns whatever a request raised into one of WhaleFall's errors, and that into a document."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, IntegrityError
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from whalefall.api import envelope
from whalefall.errors import (
    AuthenticationRequired,
    ConstraintViolation,
    InternalError,
    InvalidCredentials,
    InvalidRequest,
    NotFound,
    OwnDatabaseError,
    PermissionRequired,
    RateLimitExceeded,
    ValidationFailed,
    WhaleFallError,
)

logger = logging.getLogger(__name__)


class Conflict(Exception):
    """Answers 409 with a stored failure, whatever status its code has elsewhere."""

    def __init__(self, error: WhaleFallError) -> None:
        super().__init__(str(error))
        self.error = error


def translate(error: Exception, path: str = "") -> tuple[WhaleFallError, int]:
    """The error to show for an exception, and its HTTP status."""
    match error:
        case WhaleFallError():
            return error, error.http_status
        case Conflict():
            return error.error, 409
        case exceptions.NotAuthenticated():
            return AuthenticationRequired(), 401
        case exceptions.AuthenticationFailed():
            return InvalidCredentials(), 401
        case exceptions.PermissionDenied() | PermissionDenied():
            return PermissionRequired(), 403
        case exceptions.NotFound() | Http404():
            return NotFound(what=_("Address"), name=path), 404
        case exceptions.ValidationError():
            fields = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
            return ValidationFailed(detail=_sentence(fields), extra={"fields": fields}), 400
        case exceptions.Throttled():
            return RateLimitExceeded(extra={"retry_after": getattr(error, "wait", None)}), 429
        case exceptions.APIException():
            status = error.status_code
            return (InvalidRequest(detail=str(error.detail)), status) if status < 500 else _unexpected()
        case SuspiciousOperation():
            return InvalidRequest(detail=_("the request is malformed or too large")), 400
        case IntegrityError() | ProtectedError():
            return ConstraintViolation(detail=_("a value is taken, missing, or in use elsewhere")), 409
        case DatabaseError():  # its text may hold statements and values: the log has them
            return OwnDatabaseError(detail=type(error).__name__), 500
        case _:
            return _unexpected()


def _unexpected() -> tuple[WhaleFallError, int]:
    return InternalError(detail=_("it is in the log under the error_id")), 500


def _sentence(fields: Any, name: str = "") -> str:
    """DRF's nested validation messages as one line."""
    if isinstance(fields, Mapping):
        return "; ".join(_sentence(value, str(key)) for key, value in fields.items() if value)
    if isinstance(fields, (list, tuple)):
        return "; ".join(_sentence(value, name) for value in fields if value)
    return f"{name}: {fields}" if name and name != "non_field_errors" else str(fields)


def document(error: Exception, request: HttpRequest | Request | None) -> tuple[dict[str, Any], int]:
    """The failure document of any exception and its HTTP status; what nobody anticipated is logged by error_id."""
    path = request.path if request else ""
    shown, status = translate(error, path)
    error_id = uuid.uuid4().hex
    if status >= 500 and not isinstance(error, WhaleFallError):
        logger.error("%s error_id=%s path=%s", shown.message_code, error_id, path, exc_info=error)
    elif status >= 500:
        logger.error("%s error_id=%s path=%s %s", shown.message_code, error_id, path, error)
    return envelope.failure(shown, request, error_id=error_id, status=status), status


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's hook: every exception of every view ends here."""
    data, status = document(error, context.get("request"))
    response = Response(data, status=status)
    if status == 401:
        response["WWW-Authenticate"] = "Token"
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(math.ceil(wait))
    return response
