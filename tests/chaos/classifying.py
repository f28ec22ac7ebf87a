"""Classification runs that die: `python -m tests.chaos.classifying` has one run for each line on standard input.

A run goes over 60 instances, two chunks, after the rule has been turned around, so that every account enters or leaves
its class. The line is a regular expression: right after the second statement that it finds, which is the second
chunk's, the process that works is killed; an empty line kills nobody. Answers with that process's exit status.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

INSTANCES = 60
SUPER: dict[str, Any] = {"fn": "is_superuser", "args": {}}
OTHERS: dict[str, Any] = {"op": "NOT", "args": [SUPER]}
FACTS: dict[str, Any] = {
    "version": 2,
    "capability_reasons": {},
    "roles": [],
    "privileges": {},
    "errors": [],
    "meta": {},
}


def fill() -> None:
    """Instances of one superuser and two others, and a rule that nothing has run for."""
    from accounts_sync.models import AccountPermission, InstanceAccount
    from classification import services
    from classification.models import AccountClassification
    from instances.models import Instance

    instances = Instance.objects.bulk_create(
        Instance(name=f"db{number}", db_type="postgresql", host="127.0.0.1", port=1) for number in range(INSTANCES)
    )
    for name, capabilities in {"root": ["SUPERUSER"], "ada": [], "bob": []}.items():
        accounts = InstanceAccount.objects.bulk_create(
            InstanceAccount(instance=instance, db_type="postgresql", username=name) for instance in instances
        )
        AccountPermission.objects.bulk_create(
            AccountPermission(account=account, permission_facts={**FACTS, "capabilities": capabilities})
            for account in accounts
        )
    services.create_rule(
        classification=AccountClassification.objects.get(code="super"),
        db_type="postgresql",
        rule_name="turning",
        expression={"version": 4, "expr": OTHERS},
    )


def work(moment: str) -> None:
    """Turn the rule around and run it, until the moment comes."""
    from django.db import connection

    from classification import services
    from classification.models import ClassificationRule
    from instances.models import Instance
    from sessions_app import engine
    from sessions_app.models import SyncSession
    from sessions_app.services import cancel_session, start_session

    for left in SyncSession.objects.filter(status="running"):
        cancel_session(left)
    rule = ClassificationRule.objects.current().get()
    services.update_rule(
        rule, expression={"version": 4, "expr": SUPER if "op" in rule.rule_expression["expr"] else OTHERS}
    )
    session = start_session(category="classification", sync_type="manual_task", instances=Instance.objects.all())
    found = 0

    def deadly(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        nonlocal found
        done = execute(sql, *arguments)
        found += bool(moment and re.search(moment, sql))
        if found == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    with connection.execute_wrapper(deadly):
        engine.run(session=session)


def main() -> None:
    django.setup()
    from django.db import connections

    fill()
    for line in sys.stdin:
        connections.close_all()  # a process that is forked must not use them
        child = os.fork()
        if not child:
            status = 1
            try:
                work(line.strip())
                status = 0
            finally:
                os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
