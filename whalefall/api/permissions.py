"""Who may do what: Django's permissions, named by method or by action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

MODEL_PERMISSIONS = {
    "GET": "view",
    "HEAD": "view",
    "OPTIONS": "view",
    "POST": "add",
    "PUT": "change",
    "PATCH": "change",
    "DELETE": "delete",
}


def current_user(request: Request) -> User:
    """Who asks, behind a permission that lets nobody anonymous in."""
    return cast("User", request.user)


class RolePermission(BasePermission):
    """Asks for the permission that the view names for its action, else for the model's usual one.

    A view says `permissions_required = {"cancel": "sessions_app.cancel_syncsession"}`; a plain APIView uses the
    method in lower case as the key. A view that names nothing and has no queryset is a mistake, not an open door.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not (request.user and request.user.is_authenticated):
            return False
        method = request.method or "GET"
        if method.lower() not in view.http_method_names or not hasattr(view, method.lower()):
            raise MethodNotAllowed(method)
        return bool(request.user.has_perm(self._required(request, view)))

    @staticmethod
    def _required(request: Request, view: Any) -> str:
        named: Mapping[str, str] = getattr(view, "permissions_required", {})
        method = request.method or "GET"
        for key in (getattr(view, "action", None) or "", method.lower()):
            if key in named:
                return named[key]
        queryset = getattr(view, "queryset", None)
        if queryset is None:
            if method in ("HEAD", "OPTIONS") and named:
                return next(iter(named.values()))
            raise ImproperlyConfigured(f"{type(view).__name__} names no permission for {method}")
        meta = queryset.model._meta
        return f"{meta.app_label}.{MODEL_PERMISSIONS[method]}_{meta.model_name}"
