"""The rules that a run evaluates, compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from classification.dsl.evaluate import Program, load
from classification.dsl.predicates import Test
from classification.dsl.subjects import Subject
from classification.models import ClassificationRule
from whalefall.errors import WhaleFallError

# Rises when the same expression over the same facts may have another outcome than before.
EVALUATOR_VERSION = 2
EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One version of a rule with its program."""

    id: int
    group: str  # of its versions: the hexadecimal digits of a UUID
    name: str
    classification_id: int
    program: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRule:
    """One version of a rule that cannot be parsed."""

    id: int
    group: str
    name: str
    error: WhaleFallError


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """The rules of one database kind. `digest` tells whether they are the same as at another time."""

    rules: tuple[CompiledRule, ...] = ()
    broken: tuple[BrokenRule, ...] = ()
    groups: frozenset[str] = frozenset()  # of all of them, those that cannot be parsed among them
    broken_groups: frozenset[str] = frozenset()
    digest: str = EMPTY
    tests: tuple[tuple[CompiledRule, Test], ...] = ()
    clocks: tuple[Callable[[Subject], datetime | None], ...] = ()  # when the clock alone may change an outcome
    needs_document: bool = False  # whether some rule looks at single objects


def effective() -> dict[str, RuleSet]:
    """{database kind: its rules}, by one query. Compiling is remembered by the text of an expression, nothing else."""
    columns = ("db_type", "pk", "rule_group_id", "rule_name", "classification_id", "rule_expression")
    by_kind: dict[str, list[tuple[Any, ...]]] = {}
    for kind, *row in ClassificationRule.objects.effective().order_by("pk").values_list(*columns):
        by_kind.setdefault(kind, []).append(tuple(row))
    return {kind: _rule_set(rows) for kind, rows in by_kind.items()}


def _rule_set(rows: Iterable[tuple[Any, ...]]) -> RuleSet:
    rules, broken = [], []
    digest = hashlib.sha256(str(EVALUATOR_VERSION).encode())
    for pk, group_id, name, classification_id, document in rows:
        canonical = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        digest.update(b"%d:%s\n" % (pk, canonical))
        try:
            program = load(canonical)
        except WhaleFallError as error:  # written by another version of the product
            digest.update(b"broken\n")  # the version that can read it asks all accounts again
            broken.append(BrokenRule(id=pk, group=group_id.hex, name=name, error=error))
        else:
            rules.append(
                CompiledRule(id=pk, group=group_id.hex, name=name, classification_id=classification_id, program=program)
            )
    broken_groups = frozenset(rule.group for rule in broken)
    return RuleSet(
        rules=tuple(rules),
        broken=tuple(broken),
        groups=frozenset(rule.group for rule in rules) | broken_groups,
        broken_groups=broken_groups,
        digest=digest.hexdigest(),
        tests=tuple((rule, rule.program.test) for rule in rules),
        clocks=tuple(clock for rule in rules for clock in rule.program.clocks),
        needs_document=any(rule.program.needs_document for rule in rules),
    )
