"""The statements that records need at least: claims of sixteen, then hold, complete and commit for each."""

from __future__ import annotations

import uuid

import psycopg

THREADS = 16
CLAIM = """
UPDATE sync_instance_records
SET status = 'running', claim_token = %(token)s, lease_expires_at = now() + interval '90 s', attempts = attempts + 1,
    slot_until = now() + interval '300 s', started_at = now()
WHERE id IN (SELECT id FROM sync_instance_records WHERE session_id = %(session)s AND status = 'pending'
             ORDER BY id LIMIT %(threads)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
HOLD = """
UPDATE sync_instance_records SET lease_expires_at = now() + interval '90 s'
WHERE id = %(id)s AND claim_token = %(token)s AND status = 'running'
"""
COMPLETE = """
UPDATE sync_instance_records
SET status = 'completed', completed_at = now(), claim_token = NULL, lease_expires_at = NULL, slot_until = NULL,
    items_synced = 1
WHERE id = %(id)s AND claim_token = %(token)s AND status = 'running'
"""


def work(database_url: str, session: int) -> int:
    """Bring every record of a session to its end; how many there were."""
    done = 0
    with psycopg.connect(database_url) as connection:
        while True:
            token = uuid.uuid4()
            claimed = connection.execute(CLAIM, {"session": session, "token": token, "threads": THREADS}).fetchall()
            connection.commit()
            if not claimed:
                break
            for (pk,) in claimed:
                connection.execute(HOLD, {"id": pk, "token": token})
                connection.execute(COMPLETE, {"id": pk, "token": token})
                connection.commit()
            done += len(claimed)
        connection.execute(
            "UPDATE sync_sessions SET status = 'completed', completed_at = now() WHERE id = %s", [session]
        )
    return done
