"""Filters of the routing pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def at_key(values: Mapping[Any, Any], key: Any) -> Any:
    """Return the value at a key, None without one (a counter says 0)."""
    return values[key] if key in values else values.get(key, _nothing(values))


def _nothing(values: Mapping[Any, Any]) -> Any:
    return 0 if hasattr(values, "most_common") else None


@register.filter
def percent(ratio: float | None) -> str:
    """Return a ratio of 0-1 as a percentage, rounded here where it is shown; – without one."""
    return "–" if ratio is None else f"{ratio:.1%}"


@register.simple_tag
def part_link(count: int, part: str, code: str | None, days: int) -> SafeString | str:
    """Return a count that opens its cases; a bare 0 opens nothing."""
    if not count:
        return "0"
    asked = {"part": part, "days": days} | ({} if code is None else {"rule": code})
    address = f"{reverse('dispatch:rule-cases')}?{urlencode(asked)}"
    return format_html('<a href="{}">{}</a>', address, count)
