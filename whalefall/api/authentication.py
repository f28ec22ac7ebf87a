"""Who asks: an API token, or the admin's session cookie with a CSRF token."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed

from whalefall.api.fallbacks import csrf_error


class TokenAuthentication(KnoxAuthentication):
    """`Authorization: Token …`; stored hashed, expiring."""

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isalnum():  # a token is ASCII letters and digits; anything else would trip decoding or a database
            raise AuthenticationFailed
        return super().authenticate_credentials(token)


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie; a missing and a wrong CSRF token are told apart."""

    def enforce_csrf(self, request: HttpRequest) -> None:
        def unused(_request: HttpRequest) -> HttpResponse:
            raise AssertionError("the check only looks at the request")

        check = authentication.CSRFCheck(unused)
        check.process_request(request)
        reason = check.process_view(request, unused, (), {})
        if reason:
            raise csrf_error(str(reason))


class TokenDescription(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """The token in the OpenAPI schema."""

    target_class = "whalefall.api.authentication.TokenAuthentication"
    name = "apiToken"


class SessionDescription(SessionScheme):  # type: ignore[no-untyped-call]
    """The session cookie in the OpenAPI schema."""

    target_class = "whalefall.api.authentication.SessionAuthentication"
    name = "sessionCookie"
