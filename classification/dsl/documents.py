"""Functions that answer from the permission document: what is granted on, and owned of, single objects."""

from __future__ import annotations

from collections.abc import Iterator

from classification.dsl import objects
from classification.dsl.patterns import compile_like
from classification.dsl.predicates import Args, Evidence
from classification.dsl.subjects import Subject, both_forms, is_grantable


def object_privilege(args: Args) -> Evidence:
    name, level, grantable = args["name"], args.get("level"), args.get("grantable")
    of_database = compile_like(args.get("database", "%"))
    of_object = compile_like(args.get("object", "%"))

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.document is None:
            raise ValueError("no document")
        for grant in objects.grants(subject.document):
            if (level is None or grant.level == level) and of_database(grant.database) and of_object(grant.name):
                for word in grant.words:
                    if name in both_forms([word]) and (grantable is None or is_grantable(word) == grantable):
                        yield f"{word} ON {grant.level} {grant.name}"

    return evidence


def owns(args: Args) -> Evidence:
    of_database = compile_like(args.get("database", "%"))
    of_object = compile_like(args.get("object", "%"))

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.document is None:
            raise ValueError("no document")
        for database, name in objects.owned(subject.document):
            if of_database(database) and of_object(name):
                yield f"{name} IN {database}" if database else name

    return evidence
