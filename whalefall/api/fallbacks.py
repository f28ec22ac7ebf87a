"""Answers of plain Django under the API's paths: they speak the envelope too; other paths keep Django's pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING, REASON_NO_CSRF_COOKIE
from django.utils.translation import gettext
from django.views import csrf, defaults

from whalefall.api import errors
from whalefall.errors import CsrfInvalid, CsrfMissing, InternalError, InvalidRequest, PermissionRequired, WhaleFallError

API_PATHS = ("/api/", "/sync_sessions/api/", "/accounts_classifications/api/")


def is_api(request: HttpRequest) -> bool:
    """Whether a program asks."""
    return request.path_info.startswith(API_PATHS)


def csrf_error(reason: str) -> WhaleFallError:
    """Which CSRF error Django's reason stands for."""
    missing = reason in (REASON_NO_CSRF_COOKIE, REASON_CSRF_TOKEN_MISSING)
    return CsrfMissing() if missing else CsrfInvalid()


def _answer(request: HttpRequest, error: Exception) -> JsonResponse:
    data, status = errors.document(error, request)
    return JsonResponse(data, status=status, json_dumps_params={"ensure_ascii": False})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _answer(request, csrf_error(reason)) if is_api(request) else csrf.csrf_failure(request, reason)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return _answer(request, InvalidRequest(detail=gettext("the request is malformed or too large")))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, PermissionRequired()) if is_api(request) else defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, Http404()) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, InternalError(detail="")) if is_api(request) else defaults.server_error(request)


def nothing_here(request: HttpRequest, **_: Any) -> HttpResponse:
    """The last route under an API path: with DEBUG on, Django's own 404 would be a page."""
    return _answer(request, Http404())
