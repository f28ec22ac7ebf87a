"""Renders stored message codes in the reader's language. Rows store codes and parameters, never a language."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from django.utils.translation import gettext

from whalefall.details import recognise
from whalefall.errors import CATALOGUE, SKIP_TEXTS, WhaleFallError

_BY_KEY: dict[tuple[str, str], type[WhaleFallError]] = {
    (error.message_code, error.reason): error for error in CATALOGUE
}


class _Known(dict[str, Any]):
    """Parameters of a template, our own words among them translated; one that an old row lacks shows as its name."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        super().__init__(params)
        self.update({key: translated(params[key]) for key in ("detail", "version") if isinstance(params.get(key), str)})

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def _error(message_code: str, reason: str) -> type[WhaleFallError]:
    return _BY_KEY.get((message_code, reason)) or _BY_KEY.get((message_code, "")) or WhaleFallError


def translated(words: str) -> str:
    """A stored detail or reason in the reader's language, when it is our own; a server's words stay as they are."""
    template, places = recognise(words)
    return gettext(template).format_map(places) if template else words


def render(message_code: str, reason: str, params: Mapping[str, Any]) -> str:
    """The text of a stored failure or skip; empty when there is neither."""
    template = _error(message_code, reason).text if message_code else SKIP_TEXTS.get(reason, "")
    return gettext(template).format_map(_Known(params)) if template else ""


def hint(message_code: str, reason: str, params: Mapping[str, Any]) -> str:
    """What helps against a stored failure; empty when nothing is known."""
    template = _error(message_code, reason).hint if message_code else ""
    return gettext(template).format_map(_Known(params)) if template else ""


def render_error(error: WhaleFallError) -> str:
    """The text of an error at hand."""
    return gettext(error.text).format_map(_Known(error.params))


def revive(
    message_code: str, reason: str, params: Mapping[str, Any], *, extra: Mapping[str, Any] | None = None
) -> WhaleFallError:
    """The error that a row stores, to be raised again."""
    kind = _error(message_code, reason)
    names = {name for _, name, _, _ in Formatter().parse(kind.text) if name}
    return kind(extra=extra, **{**{name: f"{{{name}}}" for name in names}, **params})
