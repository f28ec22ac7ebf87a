"""Endpoints that fail in every way that one can fail."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import Http404, HttpResponse
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from whalefall.api import fallbacks
from whalefall.api.envelope import Answer
from whalefall.api.serializers import Body
from whalefall.errors import SessionFinished, UnknownHost

SECRET = "SELECT password FROM credentials WHERE id = 7"

ERRORS = {
    "finished": SessionFinished(session_id="s1", status="completed", extra={"session_id": "s1"}),
    "dns": UnknownHost(host="db.example", port=5432),
    "missing": Http404("No Instance matches the given query."),
    "forbidden": PermissionDenied(),
    "suspicious": SuspiciousOperation("spoofed"),
    "taken": IntegrityError(f"UNIQUE constraint failed: {SECRET}"),
    "database": OperationalError(SECRET),
    "bug": ZeroDivisionError(SECRET),
    "throttled": exceptions.Throttled(wait=7.2),
    "upstream": exceptions.APIException(SECRET),
    "invalid": exceptions.ValidationError({"limit": ["too much"], "tags": {"0": ["unknown"]}}),
}


class Numbered(Body):
    number = serializers.IntegerField(min_value=1)


class Open(APIView):
    permission_classes = ()

    def get(self, request, name):
        if name in ERRORS:
            raise ERRORS[name]
        if name == "message":
            return Answer({"number": 1}, message="It is done", meta={"took": 3})
        return Response({"number": 1} if name == "plain" else None)

    def post(self, request, name):
        return Response(Numbered.of(request))


class Guarded(APIView):
    permissions_required = {"get": "instances.view_instance", "post": "instances.run_sync"}

    def get(self, request):
        return Response({"user": request.user.get_username()})

    post = get


class Unnamed(APIView):
    def get(self, request):
        return Response()


def broken_page(request):
    raise ZeroDivisionError(SECRET)


def plain_post(request):
    return HttpResponse("posted")


urlpatterns = [
    path("api/v1/open/<str:name>", Open.as_view()),
    path("api/v1/guarded", Guarded.as_view()),
    path("api/v1/unnamed", Unnamed.as_view()),
    path("api/v1/broken-page", broken_page),
    path("api/v1/plain-post", plain_post),
    path("pages/broken", broken_page),
    path("pages/post", plain_post),
]

handler404, handler500 = fallbacks.page_not_found, fallbacks.server_error
handler400, handler403 = fallbacks.bad_request, fallbacks.permission_denied
