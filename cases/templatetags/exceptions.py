"""Filters of the pages of exceptions: shares in percent, lights, posts and reasons in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cases.exceptions.words import posts_words

register = template.Library()

LIGHTS: dict[str, str | Promise] = {
    "green": gettext_lazy("within the cap"),
    "yellow": gettext_lazy("near the cap"),
    "red": gettext_lazy("over the cap"),
}


@register.filter
def percent(ratio: Decimal | None) -> str:
    """Return a share as 5.3%; a dash where there is none."""
    return "–" if ratio is None else f"{ratio * 100:.1f}%"


@register.filter
def light_words(light: str) -> str | Promise:
    """Return what a light says of a share."""
    return LIGHTS[str(light)]


@register.filter
def posts_in_words(posts: list[str]) -> str:
    """Return posts that stand for each other in words."""
    return posts_words(posts)


@register.filter
def named_by(names: Mapping[str, str], code: str) -> str:
    """Return the name of a code; the code itself if it has none any more."""
    return names.get(code, code)
