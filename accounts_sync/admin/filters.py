"""The filters of accounts and of their changes."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts_sync.models import AccountChangeLog, locked_now
from sessions_app.admin.yes_no import ALL, NO, YES, YesNoFilter


class PresenceFilter(YesNoFilter):
    """Accounts that exist on their server; those that were dropped only when asked for."""

    title, parameter_name, default = _("presence"), "active", YES
    words = {YES: _("Present"), NO: _("Dropped"), ALL: _("Present and dropped")}

    condition = Q(is_active=True)


class SystemFilter(YesNoFilter):
    """Accounts that a server brings along are hidden until asked for."""

    title, parameter_name, default = _("origin"), "system", NO
    words = {NO: _("Made by people"), YES: _("Brought by the server"), ALL: _("Both")}

    condition = Q(is_system=True)


class SuperuserFilter(YesNoFilter):
    """Superusers, directly or through a role."""

    title, parameter_name = _("superuser"), "superuser"

    condition = Q(is_superuser=True)


class LockedFilter(YesNoFilter):
    """Accounts that cannot log in at this moment."""

    title, parameter_name = _("locked"), "locked"

    condition = locked_now()


class ChangedFilter(YesNoFilter):
    """Accounts that have changed since their instance was read for the first time."""

    title, parameter_name = _("has changes"), "changed"

    condition = Exists(AccountChangeLog.objects.filter(account=OuterRef("pk"), is_baseline=False))


class BaselineFilter(YesNoFilter):
    """What an instance's first read found is no change, so it is hidden until asked for."""

    title, parameter_name, default = _("first reads"), "baseline", NO
    words = {NO: _("Without first reads"), YES: _("First reads only"), ALL: _("All")}

    condition = Q(is_baseline=True)
