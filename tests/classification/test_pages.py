"""What holds for every page of classification: names are only text, and rows cost no statements."""

from __future__ import annotations

import pytest
from django.urls import reverse

from classification import services
from classification.models import (
    AccountClassificationAssignment,
    ClassificationRule,
)
from sessions_app.models import SyncSession
from tests.classification.conftest import (
    SUPER,
    classes,
    classify,
    make_account,
    make_rule,
    superuser,
)
from tests.classification.pages import (
    ACCOUNTS,
    ASSIGNMENTS,
    CLASSES,
    RULES,
    account_page,
    of,
    page,
    rule_page,
    statements,
)
from tests.people import browser

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert('x')</script>"


def test_a_hostile_name_is_only_text(instance):
    account = make_account(instance, HOSTILE, superuser(), kind="role")
    rule = make_rule({"version": 4, "expr": {"fn": "has_role", "args": {"name": HOSTILE}}}, rule_name=HOSTILE)
    services.assign(account, of("low"), notes=HOSTILE)
    for url in (rule_page(rule), RULES, ASSIGNMENTS, account_page(account), ACCOUNTS):
        assert HOSTILE not in browser("operator").get(url).content.decode()


def test_a_run_is_started_by_who_may(instance):
    url = reverse("admin:classification_classificationrule_classify_now")
    assert browser("viewer").post(url, {"_form_submitted": "1"}).status_code == 403
    browser("operator").post(url, {"_form_submitted": "1"})
    session = SyncSession.objects.get()
    assert (session.sync_category, session.sync_type, session.created_by.username) == (
        "classification", "manual_task", "operator",
    )  # fmt: skip


def test_no_page_takes_more_statements_for_more_rows(instance):
    def fill(count: int) -> None:
        for _ in range(count):
            number = len(classes())
            account = make_account(instance, f"user{number}", superuser())
            expression = {"version": 4, "expr": {"fn": "has_role", "args": {"name": f"role{number}"}}}
            make_rule(expression, rule_name=f"rule{number}")
            services.assign(account, of("super"))
            services.create_classification(code=f"class{number}")
            if not number:
                services.update_rule(make_rule({**expression, "version": 5}), expression=SUPER | {"version": 5})
        classify()

    fill(1)
    known = ClassificationRule.objects.current().get(rule_version=2)
    account = AccountClassificationAssignment.objects.first().account
    top = page("accountclassification", of("super").pk)
    urls = (RULES, CLASSES, ASSIGNMENTS, ACCOUNTS, rule_page(known), account_page(account), top, "/admin/")
    viewer = browser("viewer")
    before = {url: statements(viewer, url) for url in urls}
    fill(6)
    assert {url: statements(viewer, url) for url in urls} == before
