"""REST paths of databases and their sizes."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from capacity.api import LedgerViewSet, SizeViewSet, StatisticsView, SyncCapacity, SyncInstanceCapacity

router = SimpleRouter(trailing_slash=False)
router.register("databases/ledgers", LedgerViewSet, basename="database-ledger")
router.register("databases/sizes", SizeViewSet, basename="database-size")
urlpatterns = [
    *router.urls,
    path("databases/statistics", StatisticsView.as_view()),
    path("instances/actions/sync-capacity", SyncCapacity.as_view()),
    path("instances/<int:pk>/actions/sync-capacity", SyncInstanceCapacity.as_view()),
]
