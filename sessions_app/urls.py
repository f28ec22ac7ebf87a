"""REST paths of sync sessions."""

from rest_framework.routers import SimpleRouter

from sessions_app.api import SyncSessionViewSet
from sessions_app.scheduler_api import ScheduleViewSet

router = SimpleRouter(trailing_slash=False)
router.register("sync-sessions", SyncSessionViewSet, basename="sync-session")
router.register("scheduler/jobs", ScheduleViewSet, basename="schedule")
urlpatterns = router.urls
