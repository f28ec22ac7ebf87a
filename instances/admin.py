"""Pages of instances, credentials and tags."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin

from instances.models import Instance


@admin.register(Instance)
class InstanceAdmin(ModelAdmin):
    list_display = ("name", "db_type", "host", "port", "is_active")
    search_fields = ("name", "host")
