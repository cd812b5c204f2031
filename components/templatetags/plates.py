"""Filters of the plates' pages."""

from __future__ import annotations

from django import template

from components.plates.sheets import identification_in_groups

register = template.Library()


@register.filter
def identification(code: str) -> str:
    """Return the 16 digits of a component in groups."""
    return identification_in_groups(code)
