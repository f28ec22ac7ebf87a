"""A worker is killed inside a chunk of local work: each instance has the complete old or the complete new set."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from tests.chaos.classifying import INSTANCES
from tests.chaos.site import PATIENCE, Site

pytestmark = [pytest.mark.chaos, pytest.mark.workers, pytest.mark.timeout(300)]

MOMENTS = (
    '^DELETE FROM "account_classification_assignments"',
    '^INSERT INTO "account_classification_assignments"',
    '^INSERT INTO "account_classification_states"',
    '^UPDATE "sync_instance_records" SET .*"completed_at"',
)
CHUNK = 50
SUPER, OTHERS = frozenset({"root"}), frozenset({"ada", "bob"})
ROWS = (
    "SELECT instance_id, rule_id, rule_version, username FROM account_classification_assignments"
    " JOIN classification_rules ON classification_rules.id = rule_id"
    " JOIN instance_accounts ON instance_accounts.id = account_id"
)


def versions(site: Site) -> Counter[int]:
    """How many instances have the set of which version of the rule; whole, and of no other one."""
    sets: defaultdict[int, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for instance, _, version, username in site.query(ROWS):
        sets[instance][version].add(username)
    for held in sets.values():
        ((version, names),) = held.items()
        assert names == (OTHERS if version % 2 else SUPER)
    return Counter(version for held in sets.values() for version in held)


def test_a_kill_inside_a_chunk_leaves_the_old_set_and_the_next_run_writes_the_new_one(make_site):
    site = make_site(DJANGO_SETTINGS_MODULE="whalefall.settings")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.classifying"],
        env=site.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip

        def run(moment: str) -> int:
            print(moment, file=process.stdin, flush=True)
            return int(process.stdout.readline())

        assert run("") == 0
        assert versions(site) == {2: INSTANCES}
        version = 2
        for moment in MOMENTS:
            version += 1
            assert run(moment) == -signal.SIGKILL
            assert versions(site) == {version: CHUNK, version - 1: INSTANCES - CHUNK}, moment
            version += 1
            assert run("") == 0
            assert versions(site) == {version: INSTANCES}
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
