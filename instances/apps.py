from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InstancesConfig(AppConfig):
    name = "instances"
    verbose_name = _("Instances")

    def ready(self) -> None:
        from instances import encryption, lookups

        encryption.cipher()  # a key that is none stops every process at its start, not at its first password
        lookups.register()
