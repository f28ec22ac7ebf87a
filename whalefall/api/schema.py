"""Tells the OpenAPI schema about the envelope, which views know nothing of."""

from __future__ import annotations

from typing import Any

SUCCESS = {
    "success": {"type": "boolean", "enum": [True]},
    "error": {"type": "boolean", "enum": [False]},
    "message": {"type": "string"},
    "timestamp": {"type": "string", "format": "date-time"},
}
FAILURE = {
    "type": "object",
    "required": [
        "success", "error", "error_id", "category", "severity", "message_code", "message", "timestamp", "recoverable",
        "suggestions", "context",
    ],
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "error": {"type": "boolean", "enum": [True]},
        "error_id": {"type": "string"},
        "category": {"type": "string"},
        "severity": {"type": "string", "enum": ["low", "medium", "high"]},
        "message_code": {"type": "string"},
        "message": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "recoverable": {"type": "boolean"},
        "suggestions": {"type": "array", "items": {"type": "string"}},
        "context": {
            "type": "object",
            "properties": {
                "request_id": {"type": "string"},
                "url": {"type": "string"},
                "method": {"type": "string"},
            },
        },
        "extra": {"type": "object", "additionalProperties": True},
    },
}  # fmt: skip


def only_v1(endpoints: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Preprocessing hook of drf-spectacular: older paths work, but nobody should begin with them."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def envelope(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: wraps every success, adds the one shape of every failure."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = FAILURE
    failure = {
        "description": "Error",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    _wrap(response)
            operation["responses"].setdefault("default", failure)
    return result


def _wrap(response: dict[str, Any]) -> None:
    content = response.setdefault("content", {})
    if content and "application/json" not in content:
        return  # a file has no envelope
    schema = content.get("application/json", {}).get("schema")
    content["application/json"] = {
        "schema": {
            "type": "object",
            "required": [*SUCCESS, "data"] if schema else list(SUCCESS),
            "properties": {**SUCCESS, "data": schema} if schema else SUCCESS,
        }
    }
