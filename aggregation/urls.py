"""REST paths of rolled-up sizes."""

from django.urls import path

from aggregation.api import DatabaseAggregations, InstanceAggregations, RunAggregation

urlpatterns = [
    path("capacity/aggregations/actions/run", RunAggregation.as_view()),
    path("capacity/databases", DatabaseAggregations.as_view({"get": "list"})),
    path("capacity/databases/summary", DatabaseAggregations.as_view({"get": "summary"})),
    path("capacity/databases/exports", DatabaseAggregations.as_view({"get": "exports"})),
    path("capacity/instances", InstanceAggregations.as_view({"get": "list"})),
    path("capacity/instances/summary", InstanceAggregations.as_view({"get": "summary"})),
    path("capacity/instances/exports", InstanceAggregations.as_view({"get": "exports"})),
]
