"""Classification sessions over stored facts: first, unchanged, after a rule changed; all accounts meet all rules."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import psycopg

from benchmarks.product import counted, own_database, timed
from benchmarks.result import Bar, Limit, Result
from benchmarks.worker import worker

ACCOUNTS = 100  # of an instance
CHUNK = 50
ROLES = [f"role_{number}" for number in range(40)]
PRIVILEGES = ("CREATE", "CONNECT", "TEMPORARY")
CLASSES = ("super", "highly", "sensitive", "medium", "low", "public")
TIMES_FLOOR = 5.0  # ours: what is asked for are the seconds
SESSION_STATEMENTS = 30  # about what its beginning and end take, whatever it is over
STATEMENTS_OF_WORK = 8  # of a chunk, in the transaction that stores it
STATEMENTS_PER_CHUNK = 20  # with those that claim it, report on it, and begin and end the transactions


def run(*, large: bool) -> Result:
    """Measure the sessions in one worker beside reading the facts, a naive evaluation, and one COPY of the matches."""
    instances, rules = (2_000, 50) if large else (100, 20)
    expressions = [expression(number) for number in range(rules)]
    with own_database() as url, worker() as work, psycopg.connect(url, autocommit=True) as own:
        filling, _ = timed(lambda: fill(instances, expressions))
        own.execute("VACUUM ANALYZE")
        first = work("classification")
        alone, matches = timed(lambda: floor(own, expressions))
        check(own, matches)
        unchanged = work("classification")
        change_rule()
        of_work = statements_of_work()
        changed = work("classification")
    chunks, more = instances / CHUNK, first.statements - SESSION_STATEMENTS
    return Result(
        name="classification",
        bars=(Bar(name="first", measured=first.seconds, floor=alone, limit=TIMES_FLOOR),),
        limits=(
            Limit(name="first", measured=first.seconds, unit="s", at_most=240 if large else 3),
            Limit(name="after a rule changed", measured=changed.seconds, unit="s", at_most=240 if large else 3),
            Limit(name="peak memory of the worker", measured=changed.peak_mb, unit="MB", at_most=400),
            Limit(name="statements of a chunk's work", measured=of_work, at_most=STATEMENTS_OF_WORK),
            Limit(name="statements per chunk in all", measured=more / chunks, at_most=STATEMENTS_PER_CHUNK),
        ),
        statements=first.statements,
        detail={
            "accounts": instances * ACCOUNTS,
            "instances": instances,
            "rules": rules,
            "matches": matches,
            "filling_seconds": round(filling, 1),
            "unchanged_seconds": round(unchanged.seconds, 2),
            "unchanged_statements": unchanged.statements,
        },
    )


def expression(number: int) -> dict[str, Any]:
    """The expression of a rule: by turns a role, a privilege, NOT, and a tree of depth 4."""
    role = {"fn": "has_role", "args": {"name": ROLES[number % len(ROLES)]}}
    privilege = {
        "fn": "has_privilege",
        "args": {"name": PRIVILEGES[number % 3], "scope": "database", "database": f"app{number % 7}"},
    }
    superuser = {"fn": "is_superuser", "args": {}}
    kinds = (
        role,
        {"op": "AND", "args": [privilege, {"op": "NOT", "args": [superuser]}]},
        {"op": "OR", "args": [role, {"op": "AND", "args": [privilege, {"op": "NOT", "args": [role]}]}]},
        {"op": "AND", "args": [{"fn": "has_capability", "args": {"name": "can_login"}}, role]},
        {"op": "OR", "args": [superuser, role, {"fn": "has_capability", "args": {"name": f"x{number}"}}]},
    )
    return {"version": 4, "expr": kinds[number % len(kinds)]}


def fill(instances: int, expressions: list[dict[str, Any]]) -> None:
    """Accounts with facts of a believable size, the same at every run, and the rules."""
    from django.utils import timezone

    from accounts_sync.models import AccountPermission, InstanceAccount
    from classification import services
    from classification.models import AccountClassification
    from instances.models import Instance
    from whalefall import bulk

    dice = random.Random(7)
    now = timezone.now()
    made = Instance.objects.bulk_create(
        Instance(name=f"server {number:04}", db_type="postgresql", host="127.0.0.1", port=5432)
        for number in range(instances)
    )
    for start in range(0, instances, CHUNK):
        rows = [
            {
                "instance_id": instance.pk, "db_type": "postgresql", "username": f"user{number}", "host": "",
                "is_role": False, "kind": "user", "is_active": True, "is_system": False, "is_superuser": False,
                "is_locked": False, "principal_id": "", "first_seen_at": now, "last_changed_at": now,
                "updated_at": now,
            }
            for instance in made[start : start + CHUNK]
            for number in range(ACCOUNTS)
        ]  # fmt: skip
        ids = sorted(pk for (pk,) in bulk.insert(InstanceAccount, rows, returning=["id"]))
        permissions = [
            {
                "account_id": pk, "permission_snapshot": {}, "permission_facts": facts(dice), "type_specific": {},
                "scope_digests": {}, "fingerprint": f"{pk:064}", "owned_digest": "", "reach_digest": "",
                "reader_version": 1, "facts_version": 1, "last_change_type": "add", "last_change_time": now,
            }
            for pk in ids
        ]  # fmt: skip
        bulk.insert(AccountPermission, permissions)
    classes = {one.code: one for one in AccountClassification.objects.all()}
    for number, document in enumerate(expressions):
        services.create_rule(
            classification=classes[CLASSES[number % len(CLASSES)]],
            db_type="postgresql",
            rule_name=f"rule {number}",
            expression=document,
        )


def facts(dice: random.Random) -> dict[str, Any]:
    """permission_facts v2 of one account, about 1 kB."""
    is_super = dice.random() < 0.03
    return {
        "version": 2,
        "db_type": "postgresql",
        "capabilities": sorted({"can_login", "can_inherit", *(["SUPERUSER", "can_super"] if is_super else [])}),
        "capability_reasons": {"SUPERUSER": ["SUPERUSER"]} if is_super else {},
        "roles": sorted(dice.sample(ROLES, 5)),
        "privileges": {
            "global": [],
            "server": [],
            "system": [],
            "database": {f"app{number}": dice.sample(PRIVILEGES, dice.randint(0, 2)) for number in range(12)},
            "tablespace": {},
        },
        "errors": [],
        "meta": {},
    }


def change_rule() -> None:
    """Another version of one rule: every account is evaluated again."""
    from classification import services
    from classification.models import ClassificationRule

    services.update_rule(ClassificationRule.objects.get(rule_name="rule 0"), expression=expression(3))


def statements_of_work() -> int:
    """What the work of a chunk takes when all of its accounts are due, without claiming it; undone."""
    from django.db import transaction
    from django.utils import timezone

    from classification.run import classify
    from instances.models import Instance

    kinds = dict(Instance.objects.values_list("pk", "db_type")[:CHUNK])
    with transaction.atomic():
        statements, _ = counted(lambda: classify(kinds, timezone.now()))
        transaction.set_rollback(True)
    return statements


def floor(own: psycopg.Connection[Any], expressions: list[dict[str, Any]]) -> int:
    """Read the facts, evaluate naively, store the matches by one COPY; how many there were. Nothing of the product."""
    matches = 0
    own.execute("CREATE TABLE floor_matches (account bigint, rule int)")
    with psycopg.connect(own.info.dsn) as reading, reading.cursor("facts") as found:
        found.itersize = 5_000
        found.execute("SELECT account_id, permission_facts::text FROM account_permission")
        with own.cursor().copy("COPY floor_matches FROM STDIN") as copy:
            for account, text in found:
                known = json.loads(text)
                for number, document in enumerate(expressions):
                    if naive(document["expr"], known):
                        copy.write_row((account, number))
                        matches += 1
    return matches


def naive(node: dict[str, Any], known: dict[str, Any]) -> bool:
    """Whether a node holds, by walking it."""
    if "op" in node:
        answers: Iterator[bool] = (naive(arg, known) for arg in node["args"])
        return {"AND": all, "OR": any, "NOT": lambda them: not next(them)}[node["op"]](answers)
    args = node["args"]
    if node["fn"] == "has_privilege":
        return args["name"] in known["privileges"]["database"].get(args["database"], ())
    if node["fn"] == "has_role":
        return args["name"] in known["roles"]
    return args.get("name", "SUPERUSER") in known["capabilities"]


def check(own: psycopg.Connection[Any], matches: int) -> None:
    """A run that missed something must not look like a fast one."""
    stored = own.execute("SELECT count(*) FROM account_classification_assignments").fetchone()
    if stored != (matches,):
        raise SystemExit(f"{stored} matches stored, {matches} expected")
