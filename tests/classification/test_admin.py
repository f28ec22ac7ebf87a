"""Classes, rules and assignments in the admin: what is shown, to whom, what saving does, and by how many statements."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from classification import services
from classification.models import (
    AccountClassification,
    AccountClassificationAssignment,
    ClassDailyStat,
    ClassificationRule,
    RuleDailyStat,
)
from sessions_app.models import SyncSession
from tests.classification.conftest import (
    SUPER,
    classes,
    classify,
    facts,
    make_account,
    make_instance,
    make_rule,
    superuser,
)
from tests.people import browser, person

pytestmark = pytest.mark.django_db

HOSTILE = "</script><script>alert('x')</script>"
ROLE = {"version": 4, "expr": {"op": "NOT", "args": [{"fn": "has_role", "args": {"name": "admin"}}]}}


def page(model: str, pk: int | None = None, view: str = "") -> str:
    name = f"admin:classification_{model}"
    return reverse(f"{name}_{view or 'change'}", args=[pk]) if pk else reverse(f"{name}_{view or 'changelist'}")


RULES, CLASSES = page("classificationrule"), page("accountclassification")
ASSIGNMENTS = page("accountclassificationassignment")
ACCOUNTS = reverse("admin:accounts_sync_instanceaccount_changelist")


def account_page(account: Any) -> str:
    return reverse("admin:accounts_sync_instanceaccount_change", args=[account.pk])


def rule_page(rule: ClassificationRule) -> str:
    return page("classificationrule", rule.pk)


def of(code: str) -> AccountClassification:
    return AccountClassification.objects.get(code=code)


def text(response: Any) -> str:
    """What a page says, without tags and in single spaces."""
    assert response.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def form(**fields: Any) -> dict[str, Any]:
    expression = fields.pop("expression", SUPER)
    written = expression if isinstance(expression, str) else json.dumps(expression)
    return {"rule_name": "supers", "is_active": "on", "rule_expression": written, **fields}


def new(**fields: Any) -> dict[str, Any]:
    return form(classification=of("super").pk, db_type="postgresql", **fields)


def statements(client: Client, url: str) -> int:
    client.get(url)  # what Django remembers of content types and permissions is asked for once
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return response.context["adminform"].form.errors


# Rules


def test_an_admin_writes_a_rule_and_another_expression_makes_another_version():
    admin = browser("admin")
    assert admin.post(page("classificationrule", view="add"), new()).status_code == 302
    first = ClassificationRule.objects.get()
    assert (first.rule_name, first.rule_version, first.created_by.username) == ("supers", 1, "admin")
    assert first.rule_expression == {"version": 4, "expr": {"fn": "is_superuser", "args": {}}}
    renamed = admin.post(rule_page(first), form(rule_name="dba"))
    assert renamed.status_code == 302
    assert list(ClassificationRule.objects.values_list("rule_name", "rule_version")) == [("dba", 1)]
    changed = admin.post(rule_page(first), form(expression=ROLE, _continue="1"))
    second = ClassificationRule.objects.current().get()
    assert (second.rule_version, second.rule_expression) == (2, ROLE)
    assert changed.url == rule_page(second)
    first.refresh_from_db()
    assert first.superseded_at is not None


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"expression": "{"}, "rule_expression", "no JSON"),
        ({"expression": {"version": 3, "expr": {}}}, "rule_expression", "version must be 4 or 5"),
        (
            {"expression": {"version": 4, "expr": {"op": "AND", "args": [{"fn": "has_role", "args": {}}]}}},
            "rule_expression",
            "expr.args[0].args.name is missing",
        ),
        ({"rule_name": "taken", "expression": ROLE}, "__all__", "taken"),
        ({"expression": {"version": 4, "expr": {"fn": "is_superuser"}}}, "__all__", "says the same already"),
        ({"rule_name": " "}, "rule_name", "required"),
    ],
)
def test_what_the_service_refuses_is_said_on_the_form_and_the_draft_stays(fields, field, said):
    make_rule(rule_name="taken")
    response = browser("admin").post(page("classificationrule", view="add"), new(**fields))
    assert said in str(errors(response)[field])
    assert ClassificationRule.objects.count() == 1
    assert response.context["adminform"].form["rule_expression"].value() == new(**fields)["rule_expression"]


def test_who_saves_a_version_that_somebody_replaced_meanwhile_is_told_and_keeps_the_draft():
    rule = make_rule()
    services.update_rule(rule, expression=ROLE)
    response = browser("operator").post(rule_page(rule), form(expression=SUPER))
    assert "is not current" in str(errors(response)["__all__"])
    assert ClassificationRule.objects.count() == 2


def test_old_versions_are_read_and_used_again():
    rule = make_rule(rule_name="supers")
    second = services.update_rule(rule, expression=ROLE)
    operator = browser("operator")
    old = operator.get(rule_page(rule))
    assert "Version 1 was superseded" in text(old)
    assert 'name="rule_expression"' not in old.content.decode()
    assert [one.rule_version for one, _url in old.context["versions"]] == [2, 1]
    assert [row.pk for row in operator.get(RULES).context["cl"].result_list] == [second.pk]
    used = operator.post(
        reverse("admin:classification_classificationrule_restore", args=[rule.pk]), {"_form_submitted": "1"}
    )
    newest = ClassificationRule.objects.current().get()
    assert (newest.rule_version, newest.rule_expression) == (3, rule.rule_expression)
    assert used.headers.get("HX-Redirect", getattr(used, "url", "")) == rule_page(newest)
    assert operator.get(reverse("admin:classification_classificationrule_restore", args=[newest.pk])).status_code == 403


def test_rules_are_switched_off_and_on_in_the_list():
    one, other = make_rule(), make_rule(ROLE)
    operator = browser("operator")
    ticked = {"_selected_action": [one.pk, other.pk]}
    said = operator.post(RULES, {"action": "deactivate", **ticked}, follow=True)
    assert "2 rules were switched" in text(said)
    assert not ClassificationRule.objects.effective().exists()
    operator.post(RULES, {"action": "activate", "_selected_action": [one.pk]})
    assert ClassificationRule.objects.effective().get() == one
    assert "delete_selected" not in browser("admin").get(RULES).content.decode()


def test_deleting_a_rule_takes_it_out_of_use_and_keeps_its_versions(instance):
    make_account(instance, "dba", superuser())
    rule = make_rule()
    classify()
    assert browser("operator").post(page("classificationrule", rule.pk, "delete"), {"post": "yes"}).status_code == 403
    assert browser("admin").post(page("classificationrule", rule.pk, "delete"), {"post": "yes"}).status_code == 302
    rule.refresh_from_db()
    assert rule.superseded_at is not None
    assert classes() == {("dba", "super", rule.rule_name)}  # until the next run


def test_a_viewer_reads_conditions_and_may_change_nothing():
    rule = make_rule(ROLE)
    viewer = browser("viewer")
    shown = viewer.get(rule_page(rule))
    assert "Not Has the role Name: admin" in text(shown)
    assert 'name="rule_expression"' not in shown.content.decode()
    assert viewer.post(rule_page(rule), form()).status_code == 403
    assert viewer.get(page("classificationrule", view="add")).status_code == 403
    for model in ("classificationrule", "accountclassification", "accountclassificationassignment"):
        assert browser("nobody").get(page(model)).status_code == 403


def test_the_editor_offers_the_names_of_each_database_kind():
    make_account(make_instance(), "auditors", kind="role")
    shown = browser("admin").get(page("classificationrule", view="add")).content.decode()
    found = re.search(r'<script id="rule-editor-schema" type="application/json">(.*?)</script>', shown)
    offers = json.loads(found.group(1))["offers"]
    assert offers["postgresql"]["roles"] == ["auditors"]
    assert offers["postgresql"]["scopes"] == ["server", "database", "tablespace"]
    assert "can_create_db" in offers["postgresql"]["capability"]
    assert "SELECT" in offers["mysql"]["scope:global"]
    assert "CONTROL SERVER" in offers["sqlserver"]["scope:server"]
    assert "CONTROL SERVER" not in offers["oracle"]["scope:"]


def test_the_editor_is_told_what_is_wrong_with_a_draft_and_where():
    url = reverse("admin:classification_classificationrule_check")

    def said(expression: Any, role: str = "viewer") -> Any:
        written = expression if isinstance(expression, str) else json.dumps(expression)
        return browser(role).post(url, {"rule_expression": written, "db_type": "postgresql"})

    unnamed = {"version": 4, "expr": {"op": "AND", "args": [{"fn": "has_role"}]}}
    assert said(unnamed).json()["path"] == "expr.args[0].args.name"
    assert "no JSON" in said("{").json()["problem"]
    unheard_of = {"version": 4, "expr": {"fn": "has_privilege", "args": {"name": "FLY", "scope": "database"}}}
    assert [one["path"] for one in said(unheard_of).json()["warnings"]] == ["expr.args.name"]
    assert said(SUPER).json() == {"warnings": []}
    assert said(SUPER, "nobody").status_code == 403


def test_accounts_to_explain_are_found_by_name_and_kind():
    instance = make_instance("orders")
    app = make_account(instance, "App_user")
    make_account(instance, "dba")
    make_account(make_instance("other", db_type="mysql"), "app")
    url = reverse("admin:classification_classificationrule_accounts")
    found = browser("viewer").get(url, {"q": "app", "db_type": "postgresql"}).json()
    assert found == {"accounts": [{"id": app.pk, "text": "App_user · orders"}]}
    assert browser("nobody").get(url).status_code == 403


def test_a_hostile_name_is_only_text(instance):
    account = make_account(instance, HOSTILE, superuser(), kind="role")
    rule = make_rule({"version": 4, "expr": {"fn": "has_role", "args": {"name": HOSTILE}}}, rule_name=HOSTILE)
    services.assign(account, of("low"), notes=HOSTILE)
    for url in (rule_page(rule), RULES, ASSIGNMENTS, account_page(account), ACCOUNTS):
        assert HOSTILE not in browser("operator").get(url).content.decode()


# Classes


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


# Assignments and accounts


def test_an_operator_puts_an_account_into_a_class_and_takes_it_out(instance):
    account = make_account(instance, "app", superuser())
    make_rule()
    classify()
    operator = browser("operator")
    add = page("accountclassificationassignment", view="add")
    assert f"{add}?account={account.pk}" in operator.get(account_page(account)).content.decode()
    operator.post(add, {"account": account.pk, "classification": of("low").pk, "notes": "agreed"})
    manual = AccountClassificationAssignment.objects.get(assignment_type="manual")
    assert (manual.assigned_by.username, manual.notes) == ("operator", "agreed")
    auto = AccountClassificationAssignment.objects.get(assignment_type="auto")
    assert operator.post(page("accountclassificationassignment", auto.pk, "delete"), {"post": "yes"}).status_code == 403
    delete = page("accountclassificationassignment", manual.pk, "delete")
    assert delete in operator.get(account_page(account)).content.decode()
    assert browser("viewer").post(delete, {"post": "yes"}).status_code == 403
    operator.post(delete, {"post": "yes"})
    manual.refresh_from_db()
    assert not manual.is_active
    gone = make_account(instance, "gone", is_active=False)
    refused = operator.post(add, {"account": gone.pk, "classification": of("low").pk})
    assert "account" in errors(refused)


def test_the_page_of_an_account_says_which_rules_hold_and_why(instance):
    account = make_account(instance, "dba", superuser())
    make_rule(rule_name="supers")
    make_rule({"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}, rule_name="admins")
    make_rule(db_type="mysql", rule_name="elsewhere")
    shown = browser("viewer").get(account_page(account))
    said = text(shown)
    assert "Why supers says Super accounts not yet: the next run brings the account in" in said
    assert "1 rule does not match" in said
    assert "elsewhere" not in said
    classify()
    assert "not yet" not in text(browser("viewer").get(account_page(account)))
    blank = make_account(instance, "new")
    assert "The account is in no class." in text(browser("viewer").get(account_page(blank)))


def test_accounts_are_filtered_by_class_and_risk_and_show_their_classes(instance):
    dba, app, _idle = (make_account(instance, name, facts()) for name in ("dba", "app", "idle"))
    services.assign(dba, of("super"))
    services.assign(dba, of("low"))
    services.assign(app, of("low"))
    viewer = browser("viewer")

    def named(**chosen: Any) -> list[str]:
        return [one.username for one in viewer.get(ACCOUNTS, chosen).context["cl"].result_list]

    assert named() == ["app", "dba", "idle"]
    assert named(**{"class": of("low").pk}) == ["app", "dba"]
    assert named(**{"class": "none"}) == ["idle"]
    assert named(risk="top") == ["dba"]
    assert named(risk="5") == ["app", "dba"]
    listed = viewer.get(ACCOUNTS).context["cl"].result_list
    low, top = ("success", "Low risk accounts"), ("danger", "Super accounts")
    assert [one.badges for one in listed] == [[low], [top, low], []]


def test_who_may_not_see_classes_sees_none_of_them_with_accounts(instance):
    account = make_account(instance, "dba", superuser())
    services.assign(account, of("super"))
    nobody = browser("nobody")
    person("nobody").user_permissions.add(Permission.objects.get(codename="view_instanceaccount"))
    assert "Super accounts" not in text(nobody.get(ACCOUNTS))
    assert "Super accounts" not in text(nobody.get(account_page(account)))


def test_the_dashboard_counts_dangerous_and_unclassified_accounts(instance):
    for name, code in {"dba": "super", "boss": "highly", "app": "low", "idle": None}.items():
        account = make_account(instance, name, facts())
        if code:
            services.assign(account, of(code))
    services.assign(make_account(instance, "pg", is_system=True), of("super"))
    cards = {card.title: card for card in browser("viewer").get("/admin/").context["cards"]}
    assert (cards["Dangerous accounts"].value, cards["Unclassified accounts"].value) == ("2", "1")
    for title, names in {"Dangerous accounts": ["boss", "dba"], "Unclassified accounts": ["idle"]}.items():
        listed = browser("viewer").get(cards[title].link).context["cl"].result_list
        assert [one.username for one in listed] == names


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
