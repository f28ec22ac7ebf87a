"""Accounts of instances, what they may do, and how that changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

import dbms
from accounts_sync.presentation import changes
from instances.models import Instance
from sessions_app.models import SyncInstanceRecord, SyncSession


class AccountKind(models.TextChoices):
    USER = "user", _("User")
    ROLE = "role", _("Role")
    GROUP = "group", _("Group")
    PUBLIC = "public", _("Public")


class ChangeType(models.TextChoices):
    ADD = "add", _("Added")
    MODIFY_PRIVILEGE = "modify_privilege", _("Privileges changed")
    MODIFY_OTHER = "modify_other", _("Attributes changed")
    DELETE = "delete", _("Deleted")
    REACTIVATE = "reactivate", _("Came back")


def locked_now() -> Q:
    """Whether an account cannot log in at the database's present time."""
    return Q(is_locked=True) | Q(locked_until__gt=Now())


class InstanceAccountQuerySet(models.QuerySet["InstanceAccount"]):
    def active(self) -> InstanceAccountQuerySet:
        """Accounts that exist on their server, as far as was read."""
        return self.filter(is_active=True)

    def listed(self) -> InstanceAccountQuerySet:
        """What lists show by default: accounts of people and programs."""
        return self.active().filter(is_system=False)

    def locked(self) -> InstanceAccountQuerySet:
        """Accounts that cannot log in now."""
        return self.filter(locked_now())


class InstanceAccount(models.Model):
    """One principal on one instance. Its id is the public account_id."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="accounts", verbose_name=_("instance")
    )
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices)
    username = models.CharField(_("account"), max_length=256)
    host = models.CharField(_("host"), max_length=256, blank=True)
    is_role = models.BooleanField(default=False, editable=False)
    kind = models.CharField(_("kind"), max_length=16, choices=AccountKind, default=AccountKind.USER)
    is_active = models.BooleanField(_("active"), default=True)
    is_system = models.BooleanField(_("system"), default=False)
    is_superuser = models.BooleanField(_("superuser"), default=False)  # directly or through a role
    is_locked = models.BooleanField(_("locked"), default=False)  # whatever the time is; see locked_now()
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)
    password_expires_at = models.DateTimeField(_("password expires"), null=True, blank=True)
    principal_id = models.CharField(max_length=256, blank=True, editable=False)
    first_seen_at = models.DateTimeField(_("first seen"), db_default=Now())
    last_changed_at = models.DateTimeField(_("last changed"), db_default=Now())
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True)

    objects = InstanceAccountQuerySet.as_manager()

    class Meta:
        db_table = "instance_accounts"
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "username", "host", "is_role"], name="instance_accounts_identity"
            )
        ]
        indexes = [
            models.Index(fields=["username"], name="instance_accounts_username"),
            models.Index(fields=["instance", "is_active"], name="instance_accounts_active"),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The name as its server's people write it."""
        return f"{self.username}@{self.host}" if self.host else self.username


class AccountPermission(models.Model):
    """What an account may do: its current snapshot and the facts derived from it."""

    account = models.OneToOneField(
        InstanceAccount, on_delete=models.CASCADE, related_name="permission", primary_key=True
    )
    permission_snapshot = models.JSONField(_("snapshot"), default=dict)
    permission_facts = models.JSONField(_("facts"), default=dict)
    type_specific = models.JSONField(default=dict)
    scope_digests = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64)
    owned_digest = models.CharField(max_length=64, blank=True)  # what is shown without being compared: ownership
    reach_digest = models.CharField(max_length=64, blank=True)  # what comes through roles: changes without a diff here
    reader_version = models.PositiveSmallIntegerField(default=1)
    facts_version = models.PositiveSmallIntegerField(default=1)
    last_change_type = models.CharField(_("last change"), max_length=32, choices=ChangeType, default=ChangeType.ADD)
    last_change_time = models.DateTimeField(_("changed at"), db_default=Now())

    class Meta:
        db_table = "account_permission"
        verbose_name = _("account permission")
        verbose_name_plural = _("account permissions")

    def __str__(self) -> str:
        return f"permissions of account {self.account_id}"


class AccountChangeLog(models.Model):
    """One real change of one account. Outlives its session."""

    account = models.ForeignKey(InstanceAccount, on_delete=models.SET_NULL, null=True, related_name="changes")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="account_changes")
    db_type = models.CharField(_("database kind"), max_length=32, choices=dbms.choices)
    username = models.CharField(_("account"), max_length=512)
    session = models.ForeignKey(SyncSession, on_delete=models.SET_NULL, null=True, related_name="account_changes")
    record = models.ForeignKey(SyncInstanceRecord, on_delete=models.SET_NULL, null=True, related_name="account_changes")
    session_uuid = models.UUIDField(_("session"))
    change_type = models.CharField(_("change"), max_length=32, choices=ChangeType)
    change_time = models.DateTimeField(_("time"), db_default=Now())
    created_at = models.DateTimeField(auto_now_add=True)
    is_baseline = models.BooleanField(_("first read"), default=False)
    privilege_diff = models.JSONField(default=dict)
    other_diff = models.JSONField(default=dict)

    class Meta:
        db_table = "account_change_log"
        verbose_name = _("account change")
        verbose_name_plural = _("account changes")
        indexes = [
            models.Index(fields=["instance", "-change_time"], name="account_changes_instance"),
            models.Index(fields=["account", "-change_time"], name="account_changes_account"),
            models.Index(fields=["session_uuid"], name="account_changes_session"),
            models.Index(fields=["change_time"], name="account_changes_time"),
        ]

    def __str__(self) -> str:
        return f"{self.username}: {self.get_change_type_display()}"

    @property
    def message(self) -> str:
        """The change in one sentence, in the reader's language."""
        return changes.sentence(self.change_type, self.username, self.privilege_diff, self.other_diff)
