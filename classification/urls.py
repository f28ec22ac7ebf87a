"""REST paths of classification."""

from typing import Any

from django.urls import path

from classification.api.assignments import AssignmentViewSet
from classification.api.classes import AutoClassify, ClassificationViewSet
from classification.api.rules import RuleViewSet
from classification.api.statistics import ClassStatistics, RuleStatistics

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ONE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
BASE = "accounts/classifications"

urlpatterns = [
    path(BASE, ClassificationViewSet.as_view(LIST)),
    path(f"{BASE}/<int:pk>", ClassificationViewSet.as_view(ONE)),
    path(f"{BASE}/rules", RuleViewSet.as_view(LIST)),
    path(f"{BASE}/rules/<int:pk>", RuleViewSet.as_view(ONE)),
    path(f"{BASE}/rules/actions/validate-expression", RuleViewSet.as_view({"post": "validate_expression"})),
    path(f"{BASE}/rules/actions/preview", RuleViewSet.as_view({"post": "preview_draft"})),
    path(f"{BASE}/rules/actions/explain", RuleViewSet.as_view({"post": "explain"})),
    path(f"{BASE}/assignments", AssignmentViewSet.as_view(LIST)),
    path(f"{BASE}/assignments/<int:pk>", AssignmentViewSet.as_view({"delete": "destroy"})),
    path(f"{BASE}/actions/auto-classify", AutoClassify.as_view()),
    path("accounts/statistics/classifications", ClassStatistics.as_view()),
    path("accounts/statistics/rules", RuleStatistics.as_view()),
]
