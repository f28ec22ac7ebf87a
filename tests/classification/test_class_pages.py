"""Classes in the admin: counted, made, protected, and told day by day."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from classification import services
from classification.models import (
    AccountClassification,
    ClassDailyStat,
    RuleDailyStat,
)
from tests.classification.conftest import (
    classify,
    make_account,
    make_instance,
    make_rule,
    superuser,
)
from tests.classification.pages import (
    CLASSES,
    ROLE,
    errors,
    of,
    page,
    rule_page,
    text,
)
from tests.people import browser

pytestmark = pytest.mark.django_db


def test_the_list_counts_accounts_by_class_and_kind(instance):
    for name in ("dba", "root"):
        make_account(instance, name, superuser())
    make_account(make_instance("my", db_type="mysql"), "root", superuser())
    make_rule()
    make_rule(db_type="mysql")
    services.assign(make_account(instance, "gone", is_active=False), of("super"))
    classify()
    shown = browser("viewer").get(CLASSES).context["cl"].result_list
    assert {one.code: one.kinds for one in shown if one.kinds} == {"super": {"postgresql": 2, "mysql": 1}}
    assert {one.code: one.rules_count for one in shown if one.rules_count} == {"super": 2}


def test_a_class_of_ones_own_is_made_changed_and_deleted_and_the_products_are_protected():
    admin = browser("admin")
    fields = {
        "code": "Robots",
        "display_name": "",
        "description": "",
        "risk_level": 5,
        "priority": 3,
        "icon_name": "smart_toy",
    }
    assert admin.post(page("accountclassification", view="add"), fields).status_code == 302
    robots = of("robots")
    assert "code" in errors(admin.post(page("accountclassification", view="add"), fields))
    assert "icon_name" in errors(admin.post(page("accountclassification", robots.pk), {**fields, "icon_name": "<b>"}))
    admin.post(page("accountclassification", robots.pk), {**fields, "code": "other", "display_name": "Machines"})
    robots.refresh_from_db()
    assert (robots.code, robots.name) == ("robots", "Machines")
    rule = make_rule(code="robots")
    said = admin.post(page("accountclassification", robots.pk, "delete"), {"post": "yes"}, follow=True)
    assert "Machines has 1 rules and 0 accounts" in text(said)
    assert AccountClassification.objects.filter(code="robots").exists()
    services.delete_rule(rule)
    admin.post(page("accountclassification", robots.pk, "delete"), {"post": "yes"})
    assert not AccountClassification.objects.filter(code="robots").exists()
    own = of("super")
    assert admin.post(page("accountclassification", own.pk, "delete"), {"post": "yes"}).status_code == 403
    admin.post(page("accountclassification", own.pk), {**fields, "display_name": "Gods"})
    own.refresh_from_db()
    assert (own.name, own.risk_level, own.icon_name, own.priority) == ("Gods", 1, "crown", 3)


def test_a_day_without_a_run_is_a_gap_and_a_kind_without_accounts_no_line():
    today = timezone.localdate()
    rule = make_rule()
    second = services.update_rule(rule, expression=ROLE)
    numbers = {(rule, 3): 4, (rule, 1): 5, (second, 1): 7, (second, 0): 0}
    for (version, ago), number in numbers.items():
        RuleDailyStat.objects.create(
            stat_date=today - timedelta(days=ago), rule=version, classification=of("super"), db_type="postgresql",
            matched_accounts_count=number,
        )  # fmt: skip
    chart = browser("viewer").get(rule_page(second)).context["chart"]
    assert [one["values"] for one in chart["series"]] == [[4, None, 7, 0]]
    for kind, number in {"postgresql": 2, "mysql": 0}.items():
        ClassDailyStat.objects.create(
            stat_date=today, classification=of("super"), db_type=kind, matched_accounts_distinct_count=number
        )
    shown = browser("viewer").get(page("accountclassification", of("super").pk)).context
    assert shown["chart"]["series"] == [{"label": "PostgreSQL", "values": [2]}]
