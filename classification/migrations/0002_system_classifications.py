"""The classes that every installation begins with; their names are shown in the reader's language."""

from django.db import migrations

SEEDED = (  # code, risk level, priority, icon
    ("super", 1, 100, "crown"),
    ("highly", 2, 90, "shield"),
    ("sensitive", 3, 80, "warning"),
    ("medium", 4, 70, "person"),
    ("low", 5, 60, "sell"),
    ("public", 6, 50, "visibility"),
)


def add(apps, schema_editor):
    model = apps.get_model("classification", "AccountClassification")
    model.objects.bulk_create(
        model(code=code, risk_level=risk, priority=priority, icon_name=icon, is_system=True)
        for code, risk, priority, icon in SEEDED
    )


def remove(apps, schema_editor):
    apps.get_model("classification", "AccountClassification").objects.filter(is_system=True).delete()


class Migration(migrations.Migration):
    dependencies = [("classification", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
