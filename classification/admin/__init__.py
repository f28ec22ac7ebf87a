"""Classes, their rules and who is in them, in the admin."""

from classification.admin.assignments import AssignmentPage
from classification.admin.classes import ClassPage
from classification.admin.rules import RulePage

__all__ = ["AssignmentPage", "ClassPage", "RulePage"]
