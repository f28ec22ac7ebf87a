"""A mistake in a shipped statement would be noticed: nearly every mutant of it is refused or returns other rows.

`make test` tries a fixed sample; `WHALEFALL_TEST_MUTANTS=all` tries every mutant and prints the survivors.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from dbms import statements
from tests.twins.catalog import TwinError, grammar, mutants, oracle_sample, sqlserver_sample

EVERYTHING = os.environ.get("WHALEFALL_TEST_MUTANTS") == "all"
SAMPLED = 5  # of each statement, spread evenly over it
ALLOWED_SHARE = 0.03
SAMPLES = {
    "sqlserver": lambda: sqlserver_sample.sample(2022),
    "oracle": lambda: oracle_sample.cdb((23, 0)),
}
PARAMETERS = {"database": "SALES"}  # of the statements that have some
DATABASE = {"{database}": f"[{sqlserver_sample.SALES}]"}
# Mutants that mean the same, and why no sample could tell them apart: (statement, what was changed) → reason.
EQUIVALENT = {
    ("database_permissions.sql", "the right half only in p.class = 1 AND c.object_id = p.major_id"): (
        "only permissions of class 1 have a minor_id, and no column has the id 0"
    ),
    ("database_permissions_summarised.sql", "the right half only in p.class = 1 AND o.object_id = p.major_id"): (
        "the schema of o counts only where the class is 1"
    ),
    (
        "database_tables.sql",
        "a left join in JOIN [sales].sys.objects AS o ON o.object_id = COALESCE(i.parent_id, p",
    ): "what has no object has no type either",
    **{
        ("database_tables.sql", f"{column} for object_id in GROUP BY o.object_id, s.name, o.name"): (
            "schema and name tell objects apart, unless a collation ignores letter case"
        )
        for column in ("principal_id", "schema_id", "parent_object_id")
    },
    **{
        (f"object_privileges{variant}.sql", f"PROFILE for username in {alias}.username IS NULL"): (
            "every user has a profile: either is NULL when there is no user"
        )
        for variant in ("", ".cdb", "_summarised", "_summarised.cdb")
        for alias in ("o", "g")
    },
}


def shipped():
    return [
        pytest.param(db_type, statement, id=f"{db_type}-{statement.filename}")
        for db_type in SAMPLES
        for statement in statements.load(f"dbms.{db_type}")
    ]


@pytest.fixture(scope="module")
def twins():
    return {db_type: make() for db_type, make in SAMPLES.items()}


@pytest.mark.parametrize(("db_type", "statement"), shipped())
def test_a_mistake_in_the_statement_would_be_noticed(twins, db_type, statement):
    twin = twins[db_type]
    text = statement.text
    for written, name in DATABASE.items():
        text = text.replace(written, name)
    (query,) = grammar.parse(text, twin.dialect, twin.computed.union(twin.functions))
    truth = Counter(twin.rows(text, **PARAMETERS))
    tried = list(mutants.mutants(twin, query))
    step = 1 if EVERYTHING else max(1, len(tried) // SAMPLED)
    survivors = []
    for mutant in tried[::step]:
        try:
            noticed = Counter(twin.rows(mutant.text(query, twin.dialect), **PARAMETERS)) != truth
        except TwinError:
            noticed = True
        if not noticed:
            survivors.append(mutant.label)
    print(f"{statement.filename}: {len(tried[::step])} mutants, alive {survivors}")
    known = {label for filename, label in EQUIVALENT if filename == statement.filename}
    assert set(survivors) - known == set()
    assert len(known) <= max(1, ALLOWED_SHARE * len(tried))
    if EVERYTHING:
        assert set(survivors) == known
