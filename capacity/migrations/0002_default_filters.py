"""The filters that every installation begins with."""

from django.db import migrations

DEFAULTS = {
    "mysql": {
        "exact": ("information_schema", "performance_schema", "mysql", "sys"),
        "like": (r"tmp\_%", r"temp\_%", "#sql%"),
    },
    "postgresql": {"exact": ("template0", "template1", "postgres"), "like": (r"pg\_%",)},
    "sqlserver": {"exact": ("master", "model", "msdb", "tempdb"), "like": ("ReportServer%",)},
    "oracle": {"exact": ("SYSTEM", "SYSAUX", "USERS"), "like": ("SYS%", "SYSTEM%")},
}


def add(apps, schema_editor):
    model = apps.get_model("capacity", "DatabaseFilter")
    model.objects.bulk_create(
        model(db_type=db_type, match=match, pattern=pattern)
        for db_type, matches in DEFAULTS.items()
        for match, patterns in matches.items()
        for pattern in patterns
    )


def remove(apps, schema_editor):
    apps.get_model("capacity", "DatabaseFilter").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("capacity", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
