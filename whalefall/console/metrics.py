"""`/metrics` for Prometheus: what this process counted, and what the database knows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django_prometheus.exports import ExportToDjangoView
from django_prometheus.middleware import PrometheusAfterMiddleware
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from whalefall.api.permissions import RolePermission

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class KnownNetwork(BasePermission):
    """Whether the request comes straight from a network of METRICS_ALLOWED.

    One that a proxy passed on does not: its address is the proxy's, whoever asks.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if any(name in request.headers for name in FORWARDED):
            return False
        try:
            address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
        except ValueError:  # a socket file: whoever listens there is a proxy
            return False
        mapped = getattr(address, "ipv4_mapped", None) or address
        return any(mapped in ipaddress.ip_network(network) for network in settings.METRICS_ALLOWED)


class OneFormat(BaseContentNegotiation):
    """Prometheus asks for formats of its own; the text format is the one that all its versions read."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class MetricsView(APIView):
    """The metrics, for known networks, and for whoever may see the sync sessions."""

    permission_classes = [KnownNetwork | RolePermission]
    permissions_required = {"get": "sessions_app.view_syncsession"}
    content_negotiation_class = OneFormat

    def get(self, request: Request) -> HttpResponse:
        response: HttpResponse = ExportToDjangoView(request)
        response.content += generate_latest(Database())
        return response


class Database:
    """What settings.METRICS lists, as a collector that lives for one scrape."""

    def collect(self) -> Iterator[Metric]:
        for path in settings.METRICS:
            yield from import_string(path)()


class RequestMetrics(PrometheusAfterMiddleware):
    """django-prometheus' own, but a method that somebody made up adds no series."""

    def label_metric(
        self, metric: Any, request: HttpRequest, response: HttpResponse | None = None, **labels: Any
    ) -> Any:
        if "method" in labels:
            labels["method"] = self._method(request)
        return super().label_metric(metric, request, response, **labels)
