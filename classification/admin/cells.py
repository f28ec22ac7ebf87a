"""Small pieces of the lists: a class with its icon and the colour of its risk."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from classification.models import AccountClassification
from classification.presentation import RISK_TONES


def class_badge(classification: AccountClassification) -> SafeString:
    """A class as a badge."""
    shown = {
        "type": RISK_TONES[classification.risk_level],
        "text": classification.name,
        "icon": classification.icon_name,
    }
    return render_to_string("unfold/helpers/label.html", shown)
