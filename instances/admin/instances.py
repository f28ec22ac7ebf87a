"""Instances in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

import dbms
from instances import breaker, connections, services
from instances.admin.filters import BIN, StateFilter
from instances.admin.forms import InstanceForm
from instances.admin.panels import WithPanels
from instances.admin.saving import CheckedTwiceAdmin
from instances.models import Instance, InstanceQuerySet


@admin.register(Instance)
class InstanceAdmin(WithPanels, CheckedTwiceAdmin):
    """The inventory. Deleting moves to the recycle bin; only from there a second, separate step deletes for good."""

    form = InstanceForm
    list_display = ("title", "kind", "address", "labels", "version", "login", "last_connected_at", "state")
    list_filter = (
        StateFilter,
        ("db_type", ChoicesDropdownFilter),
        ("tags", RelatedDropdownFilter),
    )
    list_filter_submit = True
    list_per_page = 50
    ordering = ("name",)
    search_fields = ("name", "host", "description")
    autocomplete_fields = ("credential", "tags")
    readonly_fields = (
        "detailed_version",
        "last_connected_at",
        "sync_count",
        "rejected_reason",
        "rejected_at",
        "breaker_opened_at",
        "connection_failures",
        "probed_at",
        "created_at",
        "updated_at",
        "deleted_at",
    )
    fieldsets = (
        (None, {"fields": ("name", "description", "tags", "is_active")}),
        (_("Connection"), {"fields": (("db_type", "database_name"), ("host", "port"), "credential")}),
        (_("Encryption"), {"fields": ("tls_mode", "tls_ca")}),
        (_("Time-outs"), {"fields": (("connect_timeout", "statement_timeout"),)}),
        (
            _("What is known"),
            {
                "fields": (
                    "detailed_version",
                    ("last_connected_at", "sync_count"),
                    ("rejected_reason", "rejected_at"),
                    ("breaker_opened_at", "connection_failures", "probed_at"),
                    ("created_at", "updated_at", "deleted_at"),
                )
            },
        ),
    )
    add_fieldsets = fieldsets[:-1]
    actions = ("restore_selected", "reset_breakers")
    actions_row = ("test_connection",)
    actions_detail = ("test_connection", "reset_breaker", "restore", "purge")

    # The list

    def get_queryset(self, request: HttpRequest) -> InstanceQuerySet:
        instances: InstanceQuerySet = super().get_queryset(request)
        return instances.described()

    @display(description=_("instance"), ordering="name", header=True)
    def title(self, instance: Instance) -> list[str]:
        return [instance.name, instance.description]

    @display(description=_("database kind"), ordering="db_type", label=True)
    def kind(self, instance: Instance) -> str:
        return dict(dbms.choices()).get(instance.db_type, instance.db_type)

    @display(description=_("address"), ordering="host")
    def address(self, instance: Instance) -> str:
        host = f"[{instance.host}]" if ":" in instance.host else instance.host
        return f"{host}:{instance.port}"

    @display(description=_("tags"))
    def labels(self, instance: Instance) -> str:
        return format_html_join(", ", "{}", ((str(tag),) for tag in instance.tags.all()))

    @display(description=_("version"), ordering="main_version")
    def version(self, instance: Instance) -> str:
        return instance.main_version

    @display(description=_("credential"), ordering="credential__name")
    def login(self, instance: Instance) -> str:
        if instance.credential is None:
            return ""
        url = reverse("admin:instances_credential_change", args=[instance.credential.pk])
        return format_html('<a href="{}">{}</a>', url, instance.credential)

    @display(
        description=_("state"),
        label={
            "active": "success",
            "disabled": "info",
            "suspended": "danger",
            "unreachable": "danger",
            "bin": "warning",
        },
    )
    def state(self, instance: Instance) -> tuple[str, Any]:
        if instance.deleted_at:
            return "bin", _("Recycle bin")
        if instance.rejected_login:
            return "suspended", _("Login suspended")
        if not instance.is_active:
            return "disabled", _("Disabled")
        if instance.is_unreachable:
            return "unreachable", breaker.describe(instance)
        return "active", _("Active")

    # The form

    def get_form(self, request: HttpRequest, obj: Instance | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if obj is not None and not request.user.has_perm("instances.change_credential"):
            # Who redirects a connection could have the stored password sent to a server of their own.
            for name in services.CONNECTION_FIELDS & form.base_fields.keys():
                form.base_fields[name].disabled = True
        return form

    def save_model(self, request: HttpRequest, obj: Instance, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        changed = {name: form.cleaned_data[name] for name in form.changed_data if name != "tags"}
        services.update_instance(obj, **changed)

    # Deleting: into the recycle bin, out of it, and for good

    def has_delete_permission(self, request: HttpRequest, obj: Instance | None = None) -> bool:
        # A confirmation that is sent twice must not delete for good what it just moved to the recycle bin.
        return super().has_delete_permission(request, obj) and not (obj and obj.deleted_at)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[Any], dict[str, int], set[str], list]:
        names = [str(instance) for instance in objs]
        return names, {str(Instance._meta.verbose_name_plural): len(names)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Instance) -> None:
        self.delete_queryset(request, Instance.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: InstanceQuerySet) -> None:
        services.soft_delete(queryset)
        self.message_user(request, _("It lies in the recycle bin and can be restored."), messages.INFO)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        hidden = "delete_selected" if request.GET.get(StateFilter.parameter_name) == BIN else "restore_selected"
        actions.pop(hidden, None)
        return actions

    @admin.action(description=_("Restore selected instances"), permissions=["change"])
    def restore_selected(self, request: HttpRequest, queryset: InstanceQuerySet) -> None:
        count = services.restore(queryset)
        text = ngettext("%(count)d instance restored", "%(count)d instances restored", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Reset breaker of selected instances"), permissions=["run_sync"])
    def reset_breakers(self, request: HttpRequest, queryset: InstanceQuerySet) -> None:
        count = breaker.close(Instance.objects.filter(pk__in=queryset.order_by().values("pk")))
        text = ngettext("%(count)d breaker reset", "%(count)d breakers reset", count) % {"count": count}
        self.message_user(request, text, messages.SUCCESS)

    def has_restore_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Who may change an instance may take it out of the recycle bin."""
        return self.has_change_permission(request) and self._is(Instance.objects.binned(), object_id)

    def has_purge_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Who may delete an instance may do it for good, once it lies in the recycle bin."""
        return super().has_delete_permission(request) and self._is(Instance.objects.binned(), object_id)

    def has_reset_breaker_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Who may read servers may have one that is only probed read as usual again."""
        return self.has_run_sync_permission(request) and self._is(Instance.objects.unreachable(), object_id)

    def has_run_sync_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Who may read servers may test the connection to them."""
        return request.user.has_perm("instances.run_sync")

    @action(
        description=_("Restore"),
        icon="restore_from_trash",
        permissions=["restore"],
        dialog={"title": _("Restore this instance?"), "description": _("Schedules will read it again.")},
    )
    def restore(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        instance = self._get(request, object_id)
        services.restore(Instance.objects.filter(pk=instance.pk))
        self.message_user(request, _("%(name)s is restored.") % {"name": instance}, messages.SUCCESS)
        return _go_to(reverse("admin:instances_instance_change", args=[instance.pk]))

    @action(
        description=_("Delete for good"),
        icon="delete_forever",
        permissions=["purge"],
        dialog={
            "title": _("Delete this instance for good?"),
            "description": _("Its accounts, permissions and their history are deleted, too. This cannot be undone."),
            "form_submit_text": _("Delete for good"),
        },
    )
    def purge(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        instance = self._get(request, object_id)
        self.log_deletions(request, Instance.objects.filter(pk=instance.pk))
        services.purge(Instance.objects.filter(pk=instance.pk))
        self.message_user(request, _("%(name)s is deleted for good.") % {"name": instance}, messages.SUCCESS)
        return _go_to(reverse("admin:instances_instance_changelist"))

    # Testing and reaching

    @action(
        description=_("Reset breaker"),
        icon="restart_alt",
        permissions=["reset_breaker"],
        dialog={
            "title": _("Reset the breaker of this instance?"),
            "description": _("Schedules only probe it since connecting failed too often; they will read it as usual."),
            "form_submit_text": _("Reset breaker"),
        },
    )
    def reset_breaker(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        instance = self._get(request, object_id)
        breaker.close(Instance.objects.filter(pk=instance.pk))
        self.message_user(request, _("The breaker of %(name)s is reset.") % {"name": instance}, messages.SUCCESS)
        return _go_to(reverse("admin:instances_instance_change", args=[instance.pk]))

    @action(
        description=_("Test connection"),
        icon="network_check",
        permissions=["run_sync"],
        dialog={
            "title": _("Test the connection?"),
            "description": _(
                "WhaleFall logs in to the server now. A success ends a suspension and resets the breaker."
            ),
            "form_submit_text": _("Test connection"),
        },
    )
    def test_connection(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        instance = self._get(request, object_id)
        report = connections.check_connection(instance)
        if report.success:
            text = gettext("%(name)s answers: %(version)s (%(seconds).2f s)") % {
                "name": instance,
                "version": report.version,
                "seconds": report.duration,
            }
            self.message_user(request, text, messages.SUCCESS)
        else:
            text = f"{instance}: {report.message_code}: {report.text.rstrip('.')}. {report.hint}"
            self.message_user(request, text, messages.ERROR)
        page = request.headers.get("HX-Current-URL", "")
        if not url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}):
            page = reverse("admin:instances_instance_change", args=[instance.pk])
        return _go_to(page)

    def _get(self, request: HttpRequest, object_id: str) -> Instance:
        instance: Instance | None = self.get_object(request, unquote(object_id))
        if instance is None:
            raise Http404
        return instance

    @staticmethod
    def _is(instances: InstanceQuerySet, object_id: str | None) -> bool:
        """Whether the page's instance is among these."""
        if object_id is None or not str(object_id).isdecimal():
            return False
        return instances.filter(pk=object_id).exists()


def _go_to(url: str) -> HttpResponse:
    """Ends a dialog: its script follows this header."""
    return HttpResponse(headers={"HX-Redirect": url})
