"""Where everything is reached."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from classification.api.classes import OlderAutoClassify
from sessions_app.api import SyncSessionViewSet
from whalefall.api import fallbacks
from whalefall.console.health import healthz
from whalefall.console.metrics import MetricsView

session_center = RedirectView.as_view(pattern_name="admin:sessions_app_syncsession_changelist", query_string=True)

# Paths of the documents that asked for this product, which scripts and bookmarks still use.
older = [
    path("sync_sessions/", session_center),
    path("history/sessions", session_center),
    path("sync_sessions/api/sessions", SyncSessionViewSet.as_view({"get": "list"})),
    path("sync_sessions/api/sessions/<str:session_id>", SyncSessionViewSet.as_view({"get": "retrieve"})),
    path("sync_sessions/api/sessions/<str:session_id>/cancel", SyncSessionViewSet.as_view({"post": "cancel"})),
    path("sync_sessions/api/statistics", SyncSessionViewSet.as_view({"get": "statistics"})),
    path("accounts_classifications/api/auto-classify", OlderAutoClassify.as_view()),
]

v1: list[URLPattern | URLResolver] = [
    path("", include("instances.urls")),
    path("", include("sessions_app.urls")),
    path("", include("accounts_sync.urls")),
    path("", include("capacity.urls")),
    path("", include("aggregation.urls")),
    path("", include("classification.urls")),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema", http_method_names=["get", "head"]), name="api-docs"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("accounts/login/", RedirectView.as_view(pattern_name="admin:login", query_string=True)),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("api/v1/", include(v1)),
    *older,
    re_path(r"^(?:api|sync_sessions/api|accounts_classifications/api)/", fallbacks.nothing_here),
]

handler400 = fallbacks.bad_request
handler403 = fallbacks.permission_denied
handler404 = fallbacks.page_not_found
handler500 = fallbacks.server_error
