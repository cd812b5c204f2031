"""What the register's pages show of cases: those of a component, their photos, and a filter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from cases.models import Case, CasePhoto
from cases.presenters import case_row, photo_captions, photo_data
from components.models import Component
from components.register.panels import (
    LedgerFilter,
    RecordPanel,
    register_ledger_filter,
    register_panel,
)

SHOWN_CASES, SHOWN_PHOTOS = 20, 8


def cases_of_component(component: Component, user: User, now: datetime) -> dict[str, Any]:
    """Return the newest cases of a component the person may see, and their photos: two queries.

    By the index ``case_component``.
    """
    cases = list(
        Case.objects.visible_to(user)
        .filter(component=component)
        .select_related("type", "department")
        .order_by("-reported_at", "-pk")[: SHOWN_CASES + 1]
    )
    shown = cases[:SHOWN_CASES]
    uses = CasePhoto.objects.filter(case__in=shown).select_related("photo").order_by("-pk")
    newest = list(uses[:SHOWN_PHOTOS]) if shown else []
    return {
        "cases": [case_row(case, now) for case in shown],
        "open_count": sum(case.is_open for case in shown),
        "has_more": len(cases) > SHOWN_CASES,
        "photos": [photo_data(use.photo, *photo_captions(use)) for use in newest],
        "now": now,
    }


def has_open_cases(user: User) -> Q:
    """Return the condition that a component has an open case the person may see."""
    cases = Case.objects.visible_to(user).filter(component=OuterRef("pk"), is_open=True)
    return Q(Exists(cases))


def register() -> None:
    """Bring both to the register's pages."""
    register_panel(RecordPanel("cases", "cases/_component_panel.html", cases_of_component, 10))
    register_ledger_filter(LedgerFilter("open_cases", _("has open cases"), has_open_cases))
