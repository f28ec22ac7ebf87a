"""Small pieces of the lists: the tones of badges."""

from __future__ import annotations

CHANGE_TONES = {
    "add": "success",
    "modify_privilege": "warning",
    "modify_other": "info",
    "delete": "danger",
    "reactivate": "primary",
}
KIND_TONES = {"user": "info", "role": "primary", "group": "primary", "public": "warning"}
