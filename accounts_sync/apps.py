from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsSyncConfig(AppConfig):
    name = "accounts_sync"
    verbose_name = _("Accounts")
