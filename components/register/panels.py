"""What other apps bring to the register's pages: panels of the record, filters of the ledger.

An app to the right knows components, not the other way round: in its ``ready()`` it registers what
it has to show or to search by. A panel says how many queries it makes; the page has twelve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.functional import Promise

from accounts.models import User
from components.models import Component

PanelContext = Callable[[Component, User, datetime], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class RecordPanel:
    """A part of the record page: its template, and what fills it; None leaves it out."""

    key: str
    template: str
    context: PanelContext
    order: int = 100


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """A yes-or-no filter of the ledger: its parameter, its words, what it keeps."""

    name: str
    label: str | Promise
    where: Callable[[User], Q]


RECORD_PANELS: dict[str, RecordPanel] = {}
LEDGER_FILTERS: dict[str, LedgerFilter] = {}


def register_panel(panel: RecordPanel) -> None:
    """Let a panel stand on the record page."""
    RECORD_PANELS[panel.key] = panel


def register_ledger_filter(ledger_filter: LedgerFilter) -> None:
    """Let the ledger be narrowed by something another app knows."""
    LEDGER_FILTERS[ledger_filter.name] = ledger_filter


def panels_of(component: Component, user: User, now: datetime) -> list[dict[str, Any]]:
    """Return the panels of a record, in order, each with its template and what fills it."""
    shown = []
    for panel in sorted(RECORD_PANELS.values(), key=lambda each: (each.order, each.key)):
        context = panel.context(component, user, now)
        if context is not None:
            shown.append({"key": panel.key, "template": panel.template, **context})
    return shown
