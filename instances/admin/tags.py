"""Tags in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from instances.admin.saving import CheckedTwiceAdmin
from instances.models import Instance, Tag


@admin.register(Tag)
class TagAdmin(CheckedTwiceAdmin):
    """Labels. One in use cannot be deleted."""

    list_display = ("name", "display_name", "category", "in_use", "is_active")
    list_filter = ("is_active",)
    ordering = ("name",)
    search_fields = ("name", "display_name", "category")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(instance_count=Count("instances"))

    @display(description=_("instances"), ordering="instance_count")
    def in_use(self, tag: Any) -> int:
        return int(tag.instance_count)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list[Any], dict[str, int], set[str], list]:
        using = Instance.objects.filter(tags__in=objs).distinct().order_by("name")[:20]
        names = [str(tag) for tag in objs]
        return names, {str(Tag._meta.verbose_name_plural): len(names)}, set(), [str(instance) for instance in using]
