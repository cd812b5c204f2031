"""What other apps bring to the case page: panels beside clocks and requests.

An app to the right knows cases, not the other way round: in its ``ready()`` it registers what it
has to show. A panel without a context for this case and reader is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import User
from cases.models import Case

PanelContext = Callable[[Case, User, datetime], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class CasePanel:
    """A part of the case page: its template, and what fills it."""

    key: str
    template: str
    context: PanelContext
    order: int = 100


CASE_PANELS: dict[str, CasePanel] = {}


def register_case_panel(panel: CasePanel) -> None:
    """Let a panel stand on the case page."""
    CASE_PANELS[panel.key] = panel


def panels_of(case: Case, user: User, now: datetime) -> list[dict[str, Any]]:
    """Return the panels of a case for a reader, in order, each with its template."""
    shown = []
    for panel in sorted(CASE_PANELS.values(), key=lambda each: (each.order, each.key)):
        context = panel.context(case, user, now)
        if context is not None:
            shown.append({"key": panel.key, "template": panel.template, **context})
    return shown
