"""Accounts with their facts, as classification reads them: by one streaming query for any number of instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db.models import (
    Aggregate,
    BooleanField,
    Case,
    Count,
    DateTimeField,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat

import dbms
from accounts_sync.models import InstanceAccount
from classification.dsl.subjects import Account
from classification.dsl.unread import Unread, unread
from classification.models import AccountClassificationAssignment, AssignmentType
from classification.rulesets import EMPTY, RuleSet
from dbms.snapshots import DATABASE_LIST, SERVER
from instances.models import Instance
from sessions_app.coverage import OK
from sessions_app.models import InstanceCoverage, SyncCategoryName

ROWS_AT_ONCE = 500
NOTHING_HELD: Mapping[str, Mapping[int, int]] = {}
SEEN = {  # of the state: what it was of the account
    "fingerprint": "permission__fingerprint",
    "reach_digest": "permission__reach_digest",
    "owned_digest": "permission__owned_digest",
    "facts_version": "permission__facts_version",
    "account_updated_at": "updated_at",
}


class StoredAccount(NamedTuple):
    """An account with what a run needs of it; the document only when some rule looks at single objects."""

    account: Account
    seen: dict[str, Any]
    facts: Mapping[str, Any] | None
    document: Mapping[str, Any] | None
    held: Mapping[str, Mapping[int, int]]  # by the group of a rule: {version's id: assignment id}


class Listed(Aggregate):
    """Texts joined by commas, in no particular order."""

    template = "%(function)s(%(expressions)s, ',')"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="STRING_AGG", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", **context)


def due_accounts(
    instance_ids: Sequence[int], rule_sets: Mapping[str, RuleSet], now: datetime
) -> Iterator[StoredAccount]:
    """The accounts of some instances that changed, or met other rules, since they were evaluated; or by the clock."""
    fresh = _is_fresh(rule_sets, now)
    with_document = Q(db_type__in=[kind for kind, rules in rule_sets.items() if rules.needs_document])
    # By CASE, because NOT over an unknown comparison would leave out who has no state or no permissions.
    is_due = Case(When(fresh, then=False), default=True, output_field=BooleanField())
    return _read(
        InstanceAccount.objects.filter(is_due, instance__in=instance_ids),
        facts=_text("permission__permission_facts"),
        document=Case(When(with_document, then=_text("permission__permission_snapshot")), output_field=TextField()),
        held=_held_rules(),
    )


def not_read(instances: Iterable[int] | QuerySet[Instance]) -> dict[int, Unread]:
    """What the account reads of instances do not cover, by instance; who was wholly read is left out. One query.

    A scope that was read once and is denied now is known as of then, but of nobody who came since.
    """
    return _unread(_coverage(instances))


def look_at(instance_ids: Sequence[int]) -> tuple[dict[int, int], dict[int, Unread]]:
    """How many accounts each instance has, and not_read() of them; who has none is left out. One query for both."""
    active = InstanceAccount.objects.active().filter(instance__in=instance_ids).order_by()
    counted = active.values_list("instance", "db_type").annotate(
        scope=Value("", output_field=TextField()),
        read_at=Value(None, output_field=DateTimeField()),
        number=Count("pk"),
    )
    rows = list(counted.union(_coverage(instance_ids).annotate(number=Value(0)), all=True))
    return {pk: number for pk, _, scope, _, number in rows if not scope}, _unread(row[:4] for row in rows if row[2])


def _coverage(instances: Iterable[int] | QuerySet[Instance]) -> QuerySet[InstanceCoverage, tuple[Any, ...]]:
    """(instance, kind, what may hide something, when it was read last): scopes that are not read, and what was read,
    as JSON, of servers that may have databases beside those that they list."""
    listing = [kind for kind, adapter in dbms.ADAPTERS.items() if DATABASE_LIST in adapter.hidden_by]
    is_list = Q(scope=SERVER, last_ok_at__isnull=False, instance__db_type__in=listing)
    rows = InstanceCoverage.objects.filter(
        ~Q(status=OK) | is_list,
        instance__in=instances,
        sync_category=SyncCategoryName.ACCOUNT,
    )
    told = Case(When(is_list, then=_text("categories")), default=_text("scope"), output_field=TextField())
    return rows.values_list("instance", "instance__db_type").annotate(told=told, read_at=F("last_ok_at"))


def _unread(rows: Iterable[tuple[Any, ...]]) -> dict[int, Unread]:
    scopes: dict[tuple[int, str], dict[str, datetime | None]] = {}
    for pk, kind, told, read_at in rows:
        if not told.startswith("["):
            scopes.setdefault((pk, kind), {})[told] = read_at
        elif DATABASE_LIST not in orjson.loads(told):
            scopes.setdefault((pk, kind), {})[DATABASE_LIST] = None
    return {pk: unread(kind, found) for (pk, kind), found in scopes.items()}


def all_accounts(accounts: QuerySet[InstanceAccount], *, with_document: bool) -> Iterator[StoredAccount]:
    """Every account of a queryset with its facts; without assignments."""
    nothing = Value(None, output_field=TextField())
    return _read(
        accounts,
        facts=_text("permission__permission_facts"),
        document=_text("permission__permission_snapshot") if with_document else nothing,
        held=nothing,
    )


def _is_fresh(rule_sets: Mapping[str, RuleSet], now: datetime) -> Q:
    same = Q(*(Q(**{f"classified__{name}": F(path)}) for name, path in SEEN.items()))
    digests = [When(db_type=kind, then=Value(rules.digest)) for kind, rules in rule_sets.items()]
    by_the_same_rules = Q(classified__rules_digest=Case(*digests, default=Value(EMPTY), output_field=TextField()))
    return same & by_the_same_rules & (Q(classified__due_at__isnull=True) | Q(classified__due_at__gt=now))


def _text(path: str) -> Cast:
    return Cast(path, TextField())


def _held_rules() -> Subquery:
    """ "assignment:rule:group,…" of what runs have given to an account."""
    mine = AccountClassificationAssignment.objects.filter(account=OuterRef("pk"), assignment_type=AssignmentType.AUTO)
    pk, rule, group = (Cast(name, TextField()) for name in ("pk", "rule", "rule__rule_group_id"))
    written = Concat(pk, Value(":"), rule, Value(":"), group, output_field=TextField())
    return Subquery(mine.order_by().values("account").annotate(all=Listed(written)).values("all"))


def _read(accounts: QuerySet[InstanceAccount], **computed: Any) -> Iterator[StoredAccount]:
    columns = Account._fields
    rows = (
        accounts.order_by()
        .annotate(**{f"now_{name}": expression for name, expression in computed.items()})
        .values_list(*columns, *SEEN.values(), *(f"now_{name}" for name in computed))
    )
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        own, seen, (facts, document, held) = row[: len(columns)], row[len(columns) : -3], row[-3:]
        yield StoredAccount(
            account=Account._make(own),
            seen=dict(zip(SEEN, seen, strict=True)),
            facts=_mapping(facts),
            document=_mapping(document),
            held=_held(held) if held else NOTHING_HELD,
        )


def _mapping(text: str | None) -> Mapping[str, Any] | None:
    """A JSON object; None when it is missing, empty or something else."""
    found = orjson.loads(text) if text else None
    return found if isinstance(found, dict) and found else None


def _held(text: str) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for written in text.split(","):
        assignment, rule, group = written.split(":")
        # PostgreSQL writes a UUID with dashes, SQLite keeps it without.
        found.setdefault(group.replace("-", ""), {})[int(rule)] = int(assignment)
    return found
