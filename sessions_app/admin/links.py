"""Small pieces of every list: links and badges."""

from __future__ import annotations

from collections.abc import Iterable

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join


def page_url(model: str, pk: int | None) -> str:
    """The admin page of an object such as ("instances_instance", 7); empty when there is none."""
    if pk is None:
        return ""
    try:
        return reverse(f"admin:{model}_change", args=[pk])
    except NoReverseMatch:  # its app has no page for it
        return ""


def link(url: str, text: str) -> str:
    """A link, or the text alone when it leads nowhere."""
    return format_html('<a class="wf-link" href="{}">{}</a>', url, text) if url else text


def badges(words: Iterable[tuple[str, str]]) -> str:
    """(tone, word) pairs as badges, side by side."""
    rendered = ((render_to_string("unfold/helpers/label.html", {"type": tone, "text": word}),) for tone, word in words)
    return format_html('<span class="wf-badges">{}</span>', format_html_join(" ", "{}", rendered))
