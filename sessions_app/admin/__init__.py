"""The session center: sessions, their records, and the actions that start them."""

from sessions_app.admin.instances import InstancePage
from sessions_app.admin.records import RecordPage
from sessions_app.admin.schedules import SchedulePage
from sessions_app.admin.sessions import SessionPage

__all__ = ["InstancePage", "RecordPage", "SchedulePage", "SessionPage"]
