"""Pages of the libraries we use, in the look of the rest: without this their forms have no visible fields."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django_q.admin import FailAdmin, QueueAdmin, TaskAdmin
from django_q.models import Failure, OrmQ, Schedule, Success
from knox.models import AuthToken
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

# Schedules have a page in the session center, and no second one here.
for _model in (Schedule, Success, Failure, OrmQ, User, Group, AuthToken):
    if admin.site.is_registered(_model):  # django-q2 has a page for its queue only where the queue is a table
        admin.site.unregister(_model)


@admin.register(Success)
class SuccessPage(TaskAdmin, ModelAdmin):
    pass


@admin.register(Failure)
class FailurePage(FailAdmin, ModelAdmin):
    pass


class QueuePage(QueueAdmin, ModelAdmin):
    pass


if "orm" in settings.Q_CLUSTER:
    admin.site.register(OrmQ, QueuePage)


@admin.register(User)
class UserPage(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupPage(GroupAdmin, ModelAdmin):
    pass


@admin.register(AuthToken)
class TokenPage(ModelAdmin):
    """Tokens are made by `manage.py tokens create`, which shows them once; here they are seen and revoked."""

    list_display = ("token_key", "user", "created", "expiry")
    fields = readonly_fields = ("token_key", "user", "created", "expiry")
    search_fields = ("token_key", "user__username")
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
