"""Functions that answer from the permission document: what is granted on, and owned of, single objects."""

from __future__ import annotations

from collections.abc import Iterator

from classification.dsl import objects
from classification.dsl.patterns import compile_like, may_begin
from classification.dsl.predicates import Args, Evidence, Places
from classification.dsl.subjects import Subject, are_texts, both_forms, is_grantable
from classification.dsl.unread import Place

OWNERS = ("postgresql",)  # the kinds that tell who owns what


def object_privilege(args: Args) -> Evidence:
    name, level, grantable = args["name"], args.get("level"), args.get("grantable")
    pattern = args.get("object", "%")
    of_database, of_object = compile_like(args.get("database", "%")), compile_like(pattern)

    def held(words: list[str]) -> Iterator[str]:
        if not are_texts(words):
            raise TypeError
        for word in words:
            if name in both_forms([word]) and (grantable is None or is_grantable(word) == grantable):
                yield word

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.document is None:
            raise ValueError("no document")
        summaries = objects.summaries(subject.document, "summarised")
        is_hidden = is_found = False
        for grant in objects.grants(subject.document):
            if (level is not None and grant.level != level) or not of_database(grant.database):
                continue
            if of_object(grant.name):
                for word in held(grant.words):
                    is_found = True
                    yield f"{word} ON {grant.level} {grant.name}"
            elif summaries and not is_hidden and {grant.name, f"{grant.level}:{grant.name}"} & summaries:
                is_hidden = may_begin(pattern, objects.shared_beginning(grant.name)) and any(held(grant.words))
        if is_hidden and not is_found:
            raise ValueError("it was read as one with others")

    return evidence


def object_places(args: Args) -> Places:
    level = args.get("level")
    of_database, of_object = compile_like(args.get("database", "%")), compile_like(args.get("object", "%"))
    return (
        Place(
            part=f"objects.{level}" if level else "objects",
            in_database=lambda name: of_database(name) and (level != "database" or of_object(name)),
        ),
    )


def owns(args: Args) -> Evidence:
    pattern = args.get("object", "%")
    of_database, of_object = compile_like(args.get("database", "%")), compile_like(pattern)

    def evidence(subject: Subject) -> Iterator[str]:
        if subject.document is None or subject.account.db_type not in OWNERS:
            raise ValueError("nobody tells who owns what")
        summaries = objects.summaries(subject.document, "owned_counts")
        is_hidden = is_found = False
        for database, name in objects.owned(subject.document):
            if not of_database(database):
                continue
            if of_object(name):
                is_found = True
                yield f"{name} IN {database}" if database else name
            elif name in summaries:
                is_hidden = is_hidden or may_begin(pattern, objects.shared_beginning(name))
        if is_hidden and not is_found:
            raise ValueError("it was counted with others")

    return evidence


def owned_places(args: Args) -> Places:
    return (Place(part="owned", in_database=compile_like(args.get("database", "%"))),)
