"""What an app puts on the dashboard. A leaf: apps make cards, the console shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["neutral", "good", "warning", "bad", "live"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One number that an operator wants to see, and where it leads."""

    title: str
    value: str
    detail: str = ""
    link: str = ""
    icon: str = ""
    tone: Tone = "neutral"
    urgent: bool = False  # shown before everything else
