"""Rules in the admin: written, refused, kept in versions, switched, deleted."""

from __future__ import annotations

import pytest
from django.urls import reverse

from classification import services
from classification.models import (
    ClassificationRule,
)
from tests.classification.conftest import (
    SUPER,
    classes,
    classify,
    make_account,
    make_rule,
    superuser,
)
from tests.classification.pages import (
    ROLE,
    RULES,
    errors,
    form,
    new,
    page,
    rule_page,
    text,
)
from tests.people import browser

pytestmark = pytest.mark.django_db


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
