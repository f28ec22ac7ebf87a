"""Accounts whose facts are written down here, rules over them, and a function that has a session classify them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import orjson
import pytest
from django.apps import apps

from accounts_sync.models import AccountPermission, InstanceAccount
from classification import services
from classification.models import AccountClassification, AccountClassificationAssignment, ClassificationRule
from instances.models import Instance
from sessions_app import engine
from sessions_app import services as sessions
from sessions_app.models import SyncSession

SUPER = {"version": 4, "expr": {"fn": "is_superuser"}}


@pytest.fixture(autouse=True)
def alone(settings) -> None:
    """Nothing is started by the end of something else."""
    settings.SYNC_FOLLOW_UPS = {}


def make_instance(name: str = "db1", db_type: str = "postgresql") -> Instance:
    return Instance.objects.create(name=name, db_type=db_type, host="127.0.0.1", port=5432)


def facts(
    *,
    capabilities: Iterable[str] = (),
    roles: Iterable[str] = (),
    privileges: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """permission_facts v2."""
    return {
        "version": 2,
        "db_type": "postgresql",
        "capabilities": sorted(capabilities),
        "capability_reasons": {},
        "roles": sorted(roles),
        "privileges": {"global": [], "server": [], "system": [], "database": {}, "tablespace": {}} | (privileges or {}),
        "errors": [],
        "meta": {},
        **more,
    }


def superuser() -> dict[str, Any]:
    return facts(capabilities=["SUPERUSER"], capability_reasons={"SUPERUSER": ["SUPERUSER"]})


def make_account(
    instance: Instance,
    username: str,
    known: dict[str, Any] | None = None,
    *,
    categories: dict[str, Any] | None = None,
    **columns: Any,
) -> InstanceAccount:
    """An account with facts, or without any permission row when there are none."""
    account = InstanceAccount.objects.create(instance=instance, db_type=instance.db_type, username=username, **columns)
    if known is not None:
        learn(account, known, categories=categories)
    return account


def learn(account: InstanceAccount, known: dict[str, Any], *, categories: dict[str, Any] | None = None) -> None:
    """Store other facts of an account, as a sync does."""
    document = {"version": 4, "categories": categories or {}}
    AccountPermission.objects.update_or_create(
        account=account,
        defaults={
            "permission_facts": known,
            "permission_snapshot": document,
            "fingerprint": hashlib.sha256(orjson.dumps([known, document])).hexdigest(),
        },
    )


def make_rule(
    expression: dict[str, Any] = SUPER, *, code: str = "super", db_type: str = "postgresql", **fields: Any
) -> ClassificationRule:
    classification = AccountClassification.objects.get(code=code)
    return services.create_rule(
        classification=classification,
        db_type=db_type,
        rule_name=fields.pop("rule_name", f"rule {ClassificationRule.objects.count()}"),
        expression=expression,
        **fields,
    )


def classify(**parameters: Any) -> SyncSession:
    """A session over all instances, worked on here until it has ended."""
    session = sessions.start_session(
        category="classification",
        sync_type="manual_task",
        instances=Instance.objects.all(),
        parameters=parameters,
    )
    engine.run(session=session)
    session.refresh_from_db()
    return session


def classes() -> set[tuple[str, str, str | None]]:
    """(account, class, rule) of every effective assignment."""
    rows = AccountClassificationAssignment.objects.filter(is_active=True)
    return set(rows.values_list("account__username", "classification__code", "rule__rule_name"))


@pytest.fixture
def instance(db: None) -> Instance:
    return make_instance()


@pytest.fixture
def restored_classes(transactional_db) -> None:
    """The seeded classes, which the end of another test with real transactions may have deleted."""
    seed = import_module("classification.migrations.0002_system_classifications")
    if not AccountClassification.objects.exists():
        seed.add(apps, None)
