"""The three roles: Django groups that every `migrate` brings to what this table says.

A leaf; whalefall.console connects it. Mix other groups for other needs: these three are overwritten.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import router

PRODUCT_APPS = ("instances", "sessions_app", "accounts_sync", "capacity", "aggregation", "classification")
VIEW = tuple(f"{app}.view_*" for app in PRODUCT_APPS)

# Patterns over app_label.codename. An operator may not change credentials, and so not where passwords are sent to.
ROLES: dict[str, tuple[str, ...]] = {
    "viewer": VIEW,
    "operator": (
        *VIEW,
        "instances.change_instance",
        "instances.change_tag",
        "instances.run_sync",
        "sessions_app.cancel_syncsession",
        "sessions_app.retry_syncsession",
        "capacity.change_capacitylimit",
        "capacity.change_databasefilter",
        "classification.change_*",
    ),
    "admin": ("*",),
}


def grants(role: str, permission: str) -> bool:
    """Whether a role has a permission, written app_label.codename."""
    return any(fnmatchcase(permission, pattern) for pattern in ROLES[role])


def apply(*, app_config: AppConfig, using: str, apps: Apps = installed, **_signal: Any) -> None:
    """Give each role its permissions in one app. A receiver of post_migrate, which runs once per app.

    Permissions do not exist before post_migrate, so that a migration could not do this; and an app that gets another
    model gets its permissions into the roles by the same `migrate`.
    """
    try:
        groups, permissions = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:  # only a part was migrated
        return
    if app_config.models_module is None or not router.allow_migrate_model(using, groups):
        return
    existing = permissions.objects.using(using).filter(content_type__app_label=app_config.label)
    names = {permission.pk: f"{app_config.label}.{permission.codename}" for permission in existing}
    for role in ROLES:
        group, _created = groups.objects.using(using).get_or_create(name=role)
        wanted = {pk for pk, name in names.items() if grants(role, name)}
        held = set(group.permissions.filter(pk__in=names).values_list("pk", flat=True))
        group.permissions.add(*(wanted - held))
        group.permissions.remove(*(held - wanted))
