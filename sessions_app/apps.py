from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsAppConfig(AppConfig):
    name = "sessions_app"
    verbose_name = _("Sync sessions")

    def ready(self) -> None:
        from sessions_app import checks  # noqa: F401 - registers the system checks
