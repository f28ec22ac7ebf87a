"""REST paths of instances."""

from django.urls import path

from instances.api import ResetBreaker

urlpatterns = [path("instances/<int:pk>/actions/reset-breaker", ResetBreaker.as_view())]
