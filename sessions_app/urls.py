"""REST paths of sync sessions."""

from rest_framework.routers import SimpleRouter

from sessions_app.api import SyncSessionViewSet

router = SimpleRouter(trailing_slash=False)
router.register("sync-sessions", SyncSessionViewSet, basename="sync-session")
urlpatterns = router.urls
