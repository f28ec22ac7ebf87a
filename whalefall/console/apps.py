from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConsoleConfig(AppConfig):
    name = "whalefall.console"
    verbose_name = _("Console")

    def ready(self) -> None:
        from whalefall import roles
        from whalefall.console import checks  # noqa: F401 - registers the system checks

        # After django.contrib.auth's own receiver, which makes the permissions: its app stands before this one.
        post_migrate.connect(roles.apply, dispatch_uid="whalefall.roles")
