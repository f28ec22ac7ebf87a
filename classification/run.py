"""One run over a chunk of instances: what the rules say now against what they said before, written as a difference.

Runs in the chunk's transaction, so that readers see the old or the new set of an instance. What a person assigned is
never touched, and what nobody can answer changes nothing: facts that are missing, a rule that cannot be read or that is
unknown for an account take nothing away of what any version of the rule gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from classification import rulesets
from classification.dsl.explain import explain
from classification.dsl.subjects import Subject
from classification.dsl.unread import ALL_READ, Unread
from classification.models import AccountClassificationAssignment, ClassifiedState
from classification.rulesets import CompiledRule, RuleSet
from classification.stored import StoredAccount, due_accounts, look_at
from sessions_app.categories import ItemCounts
from sessions_app.records import storable
from whalefall import bulk
from whalefall.errors import PermissionFactsMissing

PROBLEMS_SHOWN = 20  # of one instance, in its record
SCOPES_SHOWN = 5  # of one problem
NO_RULES = RuleSet()


@dataclass(slots=True, kw_only=True)
class Tally:
    """What happened on one instance."""

    seen: int = 0
    evaluated: int = 0
    created: int = 0
    deleted: int = 0
    without_facts: int = 0
    unknown: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    def report(self, problem: Mapping[str, Any]) -> None:
        """Keep a problem for the record, up to a bound."""
        if len(self.problems) < PROBLEMS_SHOWN:
            self.problems.append({name: storable(value) for name, value in problem.items()})

    def counts(self, rules: RuleSet) -> ItemCounts:
        """As the record has it."""
        details: dict[str, Any] = {"rules": len(rules.rules), "accounts_evaluated": self.evaluated}
        if self.without_facts:
            details["accounts_without_facts"] = self.without_facts
        if self.unknown:
            details["unknown_outcomes"] = self.unknown
        if self.seen and not rules.rules and not rules.broken:
            details["no_rules"] = True
        if self.problems:
            details["problems"] = self.problems
        return ItemCounts(synced=self.seen, created=self.created, deleted=self.deleted, details=details)


@dataclass(slots=True, kw_only=True)
class Difference:
    """The rows to write for a chunk."""

    inserts: list[bulk.Row] = field(default_factory=list)
    deletes: list[int] = field(default_factory=list)
    states: list[bulk.Row] = field(default_factory=list)

    def write(self) -> None:
        """Three statements at most."""
        bulk.delete(AccountClassificationAssignment, self.deletes)
        bulk.insert(AccountClassificationAssignment, self.inserts)
        if self.states:
            changed = [name for name in self.states[0] if name != "account_id"]
            bulk.insert(ClassifiedState, self.states, unique=["account_id"], update=changed)


def classify(kinds: Mapping[int, str], now: datetime) -> dict[int, ItemCounts]:
    """Bring the accounts of some instances into their classes; counts by instance id. `kinds` is {id: db_type}."""
    rule_sets = rulesets.effective()
    seen, unread = look_at(list(kinds))
    tallies = {pk: Tally(seen=seen.get(pk, 0)) for pk in kinds}
    for pk, kind in kinds.items():
        for rule in rule_sets.get(kind, NO_RULES).broken:
            tallies[pk].report(
                {
                    "message_code": rule.error.message_code,
                    "rule_id": rule.id,
                    "rule": rule.name,
                    "detail": str(rule.error),
                }
            )
    difference = Difference()
    for stored in due_accounts(list(kinds), rule_sets, now):
        instance, kind = stored.account.instance_id, stored.account.db_type
        rules, hidden = rule_sets.get(kind, NO_RULES), unread.get(instance, ALL_READ)
        _work(stored, rules, hidden, now, tallies[instance], difference)
    difference.write()
    return {pk: tallies[pk].counts(rule_sets.get(kind, NO_RULES)) for pk, kind in kinds.items()}


def _work(
    stored: StoredAccount, rules: RuleSet, unread: Unread, now: datetime, tally: Tally, difference: Difference
) -> None:
    """Evaluate one account that is due."""
    account = stored.account
    if account.is_active and stored.facts is None:
        tally.without_facts += 1
        tally.report({"message_code": PermissionFactsMissing.message_code, **_named(stored)})
        _settle(stored, [], rules.groups, tally, difference)
        return
    matched: list[CompiledRule] = []
    unknown: list[CompiledRule] = []
    due_at = None
    if account.is_active and stored.facts is not None:
        subject = Subject(account, stored.facts, now, stored.document, unread)
        for rule, test in rules.tests:
            outcome = test(subject)
            if outcome:
                matched.append(rule)
            elif outcome is None:
                unknown.append(rule)
        due_at = min((at for clock in rules.clocks if (at := clock(subject)) and at > now), default=None)
        tally.evaluated += 1
        tally.unknown += len(unknown)
        _report(stored, subject, unknown, tally)
    open_groups = rules.broken_groups.union(rule.group for rule in unknown) if unknown else rules.broken_groups
    _settle(stored, matched, open_groups, tally, difference)
    # What could not be answered is asked, and reported, again by the next run.
    if not unknown and stored.seen["fingerprint"] is not None:
        state = {"account_id": account.id, "rules_digest": rules.digest, **stored.seen}
        difference.states.append({**state, "due_at": due_at, "evaluated_at": now})


def _settle(
    stored: StoredAccount, matched: Sequence[CompiledRule], open_groups: Set[str], tally: Tally, difference: Difference
) -> None:
    """What one account gains and loses. Of the groups that nobody can answer it keeps what it has, by any version."""
    wanted = {rule.id for rule in matched}
    gone = [
        pk
        for group, versions in stored.held.items()
        if group not in open_groups
        for version, pk in versions.items()
        if version not in wanted
    ]
    new = [
        {"account_id": stored.account.id, "classification_id": rule.classification_id, "rule_id": rule.id}
        for rule in matched
        if rule.id not in stored.held.get(rule.group, ())
    ]
    tally.created += len(new)
    tally.deleted += len(gone)
    difference.inserts += new
    difference.deletes += gone


def _report(stored: StoredAccount, subject: Subject, unknown: Sequence[CompiledRule], tally: Tally) -> None:
    for rule in unknown[: PROBLEMS_SHOWN - len(tally.problems)]:
        nodes = list(explain(rule.program.expression, subject).unknown())
        problem = {**_named(stored), "rule_id": rule.id, "rule": rule.name}
        problem["path"] = ", ".join(node.path for node in nodes)
        if scopes := list(dict.fromkeys(scope for node in nodes for scope in node.unread)):
            problem["unread"] = ", ".join(scopes[:SCOPES_SHOWN])
        tally.report({"message_code": "UNKNOWN_OUTCOME", **problem})


def _named(stored: StoredAccount) -> dict[str, Any]:
    account = stored.account
    name = f"{account.username}@{account.host}" if account.host else account.username
    return {"account_id": account.id, "account": name}
