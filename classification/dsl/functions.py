"""The functions that an expression may call, and which arguments each takes.

Each answers True, False, or None when nobody can say. Functions since 5 are refused in expressions of version 4, so
that what a rule means never changes under it.
"""

from __future__ import annotations

from accounts_sync.models import AccountKind
from classification.dsl import columns, documents, facts
from classification.dsl.objects import LEVELS
from classification.dsl.predicates import Function, Parameter, of_evidence
from classification.dsl.subjects import SCOPES
from whalefall.errors import N_

NAME, PATTERN = Parameter(kind="name"), Parameter(kind="pattern")
SOME_NAME, SOME_PATTERN = Parameter(kind="name", required=False), Parameter(kind="pattern", required=False)
SCOPE = Parameter(kind="name", choices=tuple(SCOPES))

FUNCTIONS: dict[str, Function] = {
    "db_type_in": Function(
        label=N_("Database kind is one of"),
        build=columns.db_type_in,
        evidence=columns.db_type_evidence,
        parameters={"types": Parameter(kind="db_types")},
    ),
    "is_superuser": Function(
        label=N_("Is a superuser"),
        build=facts.superuser,
        evidence=facts.superuser_evidence,
        places=facts.superuser_places,
    ),
    "has_capability": Function(
        label=N_("Has the capability"),
        build=facts.has_capability,
        evidence=facts.capability_evidence,
        places=facts.capability_places,
        parameters={"name": NAME, "via": Parameter(kind="name", required=False, choices=facts.WAYS, since=5)},
    ),
    "has_role": Function(
        label=N_("Has the role"),
        build=facts.has_role,
        evidence=facts.role_evidence,
        places=facts.role_places,
        parameters={"name": NAME},
    ),
    "has_privilege": Function(
        label=N_("Has the privilege"),
        build=facts.has_privilege,
        evidence=facts.privilege_evidence,
        places=facts.privilege_places,
        parameters={"name": NAME, "scope": SCOPE, "database": SOME_NAME},
    ),
    "member_of": Function(
        label=N_("Reaches a role like"),
        since=5,
        build=of_evidence(facts.member_of, facts.member_places),
        evidence=facts.member_of,
        places=facts.member_places,
        parameters={"role": PATTERN},
    ),
    "has_grant_option": Function(
        label=N_("May pass privileges on"),
        since=5,
        build=of_evidence(facts.grant_option, facts.grant_option_places),
        evidence=facts.grant_option,
        places=facts.grant_option_places,
        parameters={"name": SOME_NAME, "scope": Parameter(kind="name", required=False, choices=tuple(SCOPES))},
    ),
    "can_escalate": Function(
        label=N_("Can gain more than it was given"),
        since=5,
        build=of_evidence(facts.escalation, facts.escalation_places),
        evidence=facts.escalation,
        places=facts.escalation_places,
    ),
    "has_object_privilege": Function(
        label=N_("Has the privilege on an object"),
        since=5,
        needs_document=True,
        build=of_evidence(documents.object_privilege, documents.object_places),
        evidence=documents.object_privilege,
        places=documents.object_places,
        parameters={
            "name": NAME,
            "level": Parameter(kind="name", required=False, choices=LEVELS),
            "object": SOME_PATTERN,
            "database": SOME_PATTERN,
            "grantable": Parameter(kind="flag", required=False),
        },
    ),
    "owns": Function(
        label=N_("Owns an object"),
        since=5,
        db_types=documents.OWNERS,
        needs_document=True,
        build=of_evidence(documents.owns, documents.owned_places),
        evidence=documents.owns,
        places=documents.owned_places,
        parameters={"object": SOME_PATTERN, "database": SOME_PATTERN},
    ),
    "kind_in": Function(
        label=N_("Is one of"),
        since=5,
        build=columns.kind_in,
        evidence=columns.kind_evidence,
        parameters={"kinds": Parameter(kind="words", choices=tuple(AccountKind.values))},
    ),
    "name_like": Function(
        label=N_("Has a name like"),
        since=5,
        build=columns.name_like,
        evidence=columns.name_evidence,
        parameters={"pattern": PATTERN},
    ),
    "host_like": Function(
        label=N_("Has a host like"),
        since=5,
        build=columns.host_like,
        evidence=columns.host_evidence,
        parameters={"pattern": PATTERN},
    ),
    "is_system": Function(
        label=N_("Is the server's own"), since=5, build=columns.is_system, evidence=columns.system_evidence
    ),
    "is_locked": Function(
        label=N_("Is locked now"),
        since=5,
        build=columns.is_locked,
        evidence=columns.locked_evidence,
        places=columns.lock_places,
        due=columns.unlocked_at,
    ),
    "changed_within": Function(
        label=N_("Changed within the last days"),
        since=5,
        build=columns.changed_within,
        evidence=columns.changed_evidence,
        parameters={"days": Parameter(kind="days")},
        due=columns.aged_at,
    ),
}
