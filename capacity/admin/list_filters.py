"""The filters of the list of databases."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from capacity import freshness
from sessions_app.admin.yes_no import ALL, NO, YES, YesNoFilter


class PresenceFilter(YesNoFilter):
    """Databases that exist on their server; those that vanished only when asked for."""

    title, parameter_name, default = _("presence"), "active", YES
    words = {YES: _("Present"), NO: _("Vanished"), ALL: _("Present and vanished")}

    condition = Q(is_active=True)


class HiddenFilter(YesNoFilter):
    """The server's own databases and filtered ones are hidden until asked for."""

    title, parameter_name, default = _("hidden"), "hidden", NO
    words = {NO: _("What counts"), YES: _("System and filtered ones"), ALL: _("All")}

    condition = Q(is_system=True) | ~Q(filtered_by="")


class UnmeasuredFilter(YesNoFilter):
    """Databases that the last read named and could not measure."""

    title, parameter_name = _("not measured"), "unmeasured"

    condition = freshness.unmeasured()
