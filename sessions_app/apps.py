from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SessionsAppConfig(AppConfig):
    name = "sessions_app"
    verbose_name = _("Sync sessions")

    def ready(self) -> None:
        from sessions_app import checks, heartbeats  # noqa: F401 - registers the system checks

        post_migrate.connect(heartbeats.installed, sender=self, dispatch_uid="sessions_app.installed")
