"""Classification for programs: what is accepted, refused and answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classification.models import (
    AccountClassification,
    AccountClassificationAssignment,
    ClassificationRule,
    RuleDailyStat,
)
from classification.statistics import record_day
from tests.classification.conftest import SUPER, classes, classify, facts, make_account, make_instance, superuser
from tests.people import api

pytestmark = pytest.mark.django_db

BASE = "/api/v1/accounts/classifications"
RULES = f"{BASE}/rules"
ROLE = {"version": 4, "expr": {"fn": "has_role", "args": {"name": "admin"}}}


def of(code: str) -> int:
    return AccountClassification.objects.get(code=code).pk


def rule(**fields: Any) -> dict[str, Any]:
    return {
        "rule_name": "supers", "classification_id": of("super"), "db_type": "PG", "rule_expression": SUPER, **fields,
    }  # fmt: skip


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["message_code"]


def test_the_seeded_classes_are_listed_by_priority_in_the_readers_language():
    listed = api("viewer").get(BASE).json()["data"]["items"]
    assert [(one["code"], one["risk_level"], one["priority"], one["is_system"]) for one in listed] == [
        ("super", 1, 100, True), ("highly", 2, 90, True), ("sensitive", 3, 80, True), ("medium", 4, 70, True),
        ("low", 5, 60, True), ("public", 6, 50, True),
    ]  # fmt: skip
    assert listed[0]["display_name"] == "Super accounts"


def test_a_class_of_ones_own_lives_from_creation_to_deletion():
    admin = api("admin")
    made = admin.post(BASE, {"display_name": "Robots", "priority": 10, "risk_level": 5})
    assert (made.status_code, made.json()["data"]["code"]) == (201, "robots")
    pk = made.json()["data"]["id"]
    assert code(admin.post(BASE, {"code": "ROBOTS"})) == (400, "NAME_EXISTS")
    assert admin.patch(f"{BASE}/{pk}", {"display_name": "Machines"}).json()["data"]["display_name"] == "Machines"
    assert code(admin.patch(f"{BASE}/{pk}", {"code": "other"})) == (400, "VALIDATION_ERROR")
    made = admin.post(RULES, rule(classification_id=pk)).json()["data"]
    assert code(admin.delete(f"{BASE}/{pk}")) == (409, "CLASSIFICATION_IN_USE")
    assert admin.delete(f"{RULES}/{made['id']}").status_code == 200
    assert admin.delete(f"{BASE}/{pk}").status_code == 200
    assert code(admin.get(f"{BASE}/{pk}")) == (404, "RESOURCE_NOT_FOUND")


def test_the_products_own_classes_keep_their_risk_and_cannot_be_deleted():
    admin = api("admin")
    assert code(admin.delete(f"{BASE}/{of('super')}")) == (400, "SYSTEM_CLASSIFICATION")
    assert code(admin.patch(f"{BASE}/{of('super')}", {"risk_level": 6})) == (400, "SYSTEM_CLASSIFICATION")
    named = admin.patch(f"{BASE}/{of('super')}", {"display_name": "Root", "priority": 99})
    assert named.json()["data"]["display_name"] == "Root"


def test_another_expression_makes_another_version_and_another_name_does_not():
    admin = api("admin")
    first = admin.post(RULES, rule()).json()["data"]
    assert (first["db_type"], first["rule_version"]) == ("postgresql", 1)
    renamed = admin.patch(f"{RULES}/{first['id']}", {"rule_name": "roots", "is_active": False}).json()["data"]
    assert (renamed["id"], renamed["rule_name"], renamed["is_active"]) == (first["id"], "roots", False)
    again = admin.put(f"{RULES}/{first['id']}", {"rule_name": "roots", "rule_expression": SUPER}).json()["data"]
    assert (again["id"], again["is_active"]) == (first["id"], False)
    second = admin.patch(f"{RULES}/{first['id']}", {"rule_expression": ROLE}).json()["data"]
    assert (second["rule_group_id"], second["rule_version"]) == (first["rule_group_id"], 2)
    assert ClassificationRule.objects.get(pk=first["id"]).superseded_at is not None
    assert code(admin.patch(f"{RULES}/{first['id']}", {"rule_name": "x"})) == (409, "CONSTRAINT_VIOLATION")
    assert [one["id"] for one in admin.get(RULES).json()["data"]["items"]] == [second["id"]]
    everything = admin.get(RULES, {"all_versions": "true"}).json()["data"]["items"]
    assert [one["rule_version"] for one in everything] == [1, 2]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rule_expression": ROLE}, "NAME_EXISTS"),
        ({"rule_name": "other"}, "EXPRESSION_DUPLICATED"),
        ({"rule_name": "x", "rule_expression": {"version": 3, "expr": {}}}, "DSL_V4_REQUIRED"),
        ({"rule_name": "x", "rule_expression": {"version": 4, "expr": {}}}, "INVALID_DSL_EXPRESSION"),
        ({"rule_name": "x", "rule_expression": "{"}, "VALIDATION_ERROR"),
        ({"rule_name": "x", "operator": "AND"}, "VALIDATION_ERROR"),
        ({"rule_name": "x", "db_type": "db2"}, "VALIDATION_ERROR"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(fields, expected):
    admin = api("admin")
    assert admin.post(RULES, rule()).status_code == 201
    assert code(admin.post(RULES, rule(**fields))) == (400, expected)
    assert ClassificationRule.objects.count() == 1


def test_the_same_name_or_expression_in_another_class_or_kind_is_no_conflict():
    admin = api("admin")
    for fields in ({}, {"classification_id": of("low")}, {"db_type": "mysql"}):
        assert admin.post(RULES, rule(**fields)).status_code == 201


def test_an_expression_is_checked_without_being_stored():
    asked = {"rule_expression": '{"version": 4, "expr": {"op": "or", "args": [{"fn": "has_privilege", "args": '
             '{"name": " SUPPER ", "scope": "GLOBAL"}}]}}', "db_type": "mariadb"}  # fmt: skip
    answer = api("viewer").post(f"{RULES}/actions/validate-expression", asked).json()["data"]
    call = {"fn": "has_privilege", "args": {"name": "SUPPER", "scope": "global"}}
    assert answer["rule_expression"] == {"version": 4, "expr": {"op": "OR", "args": [call]}}
    assert [one["path"] for one in answer["warnings"]] == ["expr.args[0].args.name"]
    broken = {"rule_expression": {"version": 4, "expr": {"op": "AND", "args": []}}}
    refused = api("viewer").post(f"{RULES}/actions/validate-expression", broken)
    assert code(refused) == (400, "INVALID_DSL_EXPRESSION")
    assert refused.json()["extra"]["path"] == "expr.args"


def test_a_preview_names_who_would_enter_and_leave_and_writes_nothing(instance):
    make_account(instance, "root", superuser())
    make_account(instance, "admin", facts(roles=["admin"]))
    make_account(instance, "both", facts(capabilities=["SUPERUSER"], roles=["admin"]))
    make_account(instance, "odd", {**facts(), "roles": None})
    make_account(instance, "new")
    admin = api("admin")
    made = admin.post(RULES, rule()).json()["data"]
    classify()
    before = list(AccountClassificationAssignment.objects.values())
    asked = {"rule_expression": ROLE, "classification_id": of("super"), "db_type": "postgresql"}
    answer = admin.post(f"{RULES}/actions/preview", {**asked, "rule_id": made["id"]}).json()["data"]
    names = {
        name: [one["account"] for one in answer[f"{name}_accounts"]]
        for name in ("entering", "leaving", "unknown", "without_facts")
    }
    assert names == {"entering": ["admin"], "leaving": ["root"], "unknown": ["odd"], "without_facts": ["new"]}
    assert (answer["evaluated"], answer["matched"], answer["is_complete"]) == (4, 2, True)
    beside = admin.post(f"{RULES}/actions/preview", asked).json()["data"]
    assert (beside["entering"], beside["leaving"]) == (1, 0)
    assert list(AccountClassificationAssignment.objects.values()) == before
    wrong = {**asked, "rule_id": made["id"], "db_type": "mysql"}
    assert code(admin.post(f"{RULES}/actions/preview", wrong)) == (400, "VALIDATION_ERROR")


def test_an_explanation_names_the_nodes_and_what_makes_them_true(instance):
    account = make_account(instance, "root", superuser())
    other = make_account(instance, "new")
    viewer = api("viewer")
    asked = {
        "account_id": account.pk,
        "rule_expression": {"version": 4, "expr": {"op": "NOT", "args": [SUPER["expr"]]}},
    }
    told = viewer.post(f"{RULES}/actions/explain", asked).json()["data"]
    assert (told["name"], told["outcome"]) == ("NOT", "false")
    (child,) = told["children"]
    assert (child["path"], child["outcome"], child["evidence"]) == ("expr.args[0]", "true", ["SUPERUSER"])
    assert code(viewer.post(f"{RULES}/actions/explain", {**asked, "account_id": other.pk})) == (
        409, "PERMISSION_FACTS_MISSING",
    )  # fmt: skip
    assert code(viewer.post(f"{RULES}/actions/explain", {"account_id": account.pk})) == (400, "VALIDATION_ERROR")


def test_an_operator_assigns_by_hand_and_takes_it_back(instance):
    account = make_account(instance, "ada", superuser())
    operator = api("operator")
    asked = {"account_id": account.pk, "classification_id": of("low"), "notes": "asked for"}
    made = operator.post(f"{BASE}/assignments", asked).json()["data"]
    assert (made["assignment_type"], made["assigned_by"], made["rule_id"]) == ("manual", "operator", None)
    assert operator.post(f"{BASE}/assignments", asked).json()["data"]["id"] == made["id"]
    api("admin").post(RULES, rule())
    classify()
    listed = operator.get(f"{BASE}/assignments", {"account_id": account.pk}).json()["data"]["items"]
    assert [(one["classification_id"], one["rule_name"]) for one in listed] == [(of("low"), None),
                                                                               (of("super"), "supers")]  # fmt: skip
    assert code(operator.delete(f"{BASE}/assignments/{listed[1]['id']}")) == (409, "CONSTRAINT_VIOLATION")
    assert operator.delete(f"{BASE}/assignments/{made['id']}").status_code == 200
    assert classes() == {("ada", "super", "supers")}


def test_the_list_of_assignments_takes_the_same_statements_for_one_and_for_many(instance):
    api("admin").post(RULES, rule())
    numbers = []
    viewer = api("viewer")
    for count in (1, 12):
        for number in range(count):
            make_account(instance, f"user{count}-{number}", superuser())
        classify()
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get(f"{BASE}/assignments").status_code == 200
        numbers.append(len(captured))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("path", [f"{BASE}/actions/auto-classify", "/accounts_classifications/api/auto-classify"])
def test_a_run_is_started_over_all_or_over_named_instances(instance, path):
    other = make_instance("db2")
    operator = api("operator")
    everything = operator.post(path, {}).json()["data"]
    assert everything["total_instances"] == 2
    older = path.startswith("/accounts_")
    named = {"instance_id": other.pk, "use_optimized": True} if older else {"instance_ids": [other.pk]}
    assert operator.post(path, named).json()["data"]["total_instances"] == 1
    unknown = {"instance_id": 10**6} if older else {"instance_ids": [10**6]}
    assert code(operator.post(path, unknown)) == (400, "VALIDATION_ERROR")
    assert code(operator.post(path, {"instances": [1]})) == (400, "VALIDATION_ERROR")
    assert code(api("viewer").post(path, {})) == (403, "PERMISSION_REQUIRED")


def test_a_viewer_changes_nothing(instance):
    viewer = api("viewer")
    for path, body in ((BASE, {"code": "x"}), (RULES, rule()), (f"{BASE}/assignments", {})):
        assert code(viewer.post(path, body)) == (403, "PERMISSION_REQUIRED")
    assert code(viewer.delete(f"{BASE}/{of('low')}")) == (403, "PERMISSION_REQUIRED")


def test_numbers_are_told_for_now_and_day_by_day(instance):
    make_account(instance, "root", superuser())
    admin = api("admin")
    made = admin.post(RULES, rule()).json()["data"]
    admin.post(RULES, rule(rule_name="idle", rule_expression=ROLE))
    classify()
    record_day()
    today = timezone.localdate()
    RuleDailyStat.objects.create(
        rule_id=made["id"], classification_id=of("super"), db_type="postgresql",
        stat_date=today - timedelta(days=3), matched_accounts_count=7,
    )  # fmt: skip
    rules = admin.get("/api/v1/accounts/statistics/rules").json()["data"]["rules"]
    assert [(one["rule_name"], one["accounts"]) for one in rules] == [("idle", 0), ("supers", 1)]
    assert rules[1]["days"] == [
        {"date": str(today - timedelta(days=3)), "accounts": 7}, {"date": str(today), "accounts": 1},
    ]  # fmt: skip
    assert rules[0]["days"] == [{"date": str(today), "accounts": 0}]
    listed = admin.get("/api/v1/accounts/statistics/classifications", {"days": 1}).json()["data"]["classifications"]
    assert (listed[0]["code"], listed[0]["accounts"], listed[0]["by_db_type"]) == ("super", 1, {"postgresql": 1})
    assert listed[1]["days"] == [{"date": str(today), "accounts": 0}]
    assert code(admin.get("/api/v1/accounts/statistics/rules", {"days": 0})) == (400, "VALIDATION_ERROR")


def test_a_preview_that_ran_out_of_time_says_so(instance, settings):
    settings.SYNC_INLINE_SECONDS = -1  # over before it began
    make_account(instance, "root", superuser())
    asked = {"rule_expression": SUPER, "classification_id": of("super"), "db_type": "postgresql"}
    answer = api("viewer").post(f"{RULES}/actions/preview", asked).json()["data"]
    assert (answer["is_complete"], answer["evaluated"], answer["entering"]) == (False, 0, 0)


@pytest.mark.parametrize("name", ["is_active", "all_versions"])
def test_a_filter_that_is_neither_true_nor_false_is_refused(name):
    assert code(api("viewer").get(RULES, {name: "maybe"})) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "İ" * 100},  # twice as long in small letters
        {"code": "x", "icon_name": "<b>"},
        {"code": "x", "icon_name": "two words"},
        {"code": "x", "colour": "red"},
    ],
)
def test_a_class_that_cannot_be_is_refused(fields):
    assert code(api("admin").post(BASE, fields)) == (400, "VALIDATION_ERROR")
    assert AccountClassification.objects.count() == 6
