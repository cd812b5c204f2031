"""What the funds' pages show, as plain values for the templates."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from accounts.roles import ALLOCATE_FUNDS, BOOK_FUNDS, VIEW_FUNDS, may
from common.money import yuan_of
from dispatch.funds.actions import WorkAction
from dispatch.funds.models import EntryKind, JournalEntry, Kind
from dispatch.funds.selectors import MONTHS, FundRow
from dispatch.funds.services.books import REVERSIBLE

QUEUE_LABELS = {
    "quote": pgettext_lazy("proxy queue", "Quote to accept"),
    "cost": pgettext_lazy("proxy queue", "Cost to enter"),
    "approve": pgettext_lazy("proxy queue", "Overrun to approve"),
    "check": pgettext_lazy("proxy queue", "Cost to check"),
    "charge": pgettext_lazy("proxy queue", "To charge"),
    "recover": pgettext_lazy("proxy queue", "To recover"),
    "open": pgettext_lazy("proxy queue", "All open"),
    "all": pgettext_lazy("proxy queue", "All"),
}


def action_row(action: WorkAction, url: str, back: str) -> dict[str, Any]:
    """Return the button of an action."""
    return {
        "label": action.label,
        "icon": action.icon,
        "url": url,
        "back": back,
        "is_primary": action.is_primary,
        "is_danger": action.is_danger,
        "asks": True,
    }


def entry_row(entry: JournalEntry, user: User | None = None) -> dict[str, Any]:
    """Return an entry as the ledger shows it: what it moved, and whether it may be taken back."""
    sides = [(Kind(p.account.kind).label, p.amount_fen) for p in entry.postings.all()]
    return {
        "entry": entry,
        "kind": EntryKind(entry.kind).label,
        "to": [(label, fen) for label, fen in sides if fen > 0],
        "from": [(label, -fen) for label, fen in sides if fen < 0],
        "reversed_by": getattr(entry, "reversed_by", None),
        "may_reverse": user is not None and may_reverse(entry, user),
    }


def may_reverse(entry: JournalEntry, user: User) -> bool:
    """Tell whether somebody is offered to take an entry back."""
    kind = EntryKind(entry.kind)
    is_leaders = kind in (EntryKind.BUDGET, EntryKind.ALLOCATION)
    return (
        kind in REVERSIBLE
        and may(user.roles, ALLOCATE_FUNDS if is_leaders else BOOK_FUNDS)
        and entry.year.closed_at is None
        and getattr(entry, "reversed_by", None) is None
    )


def tabs(user: User, open_name: str) -> list[dict[str, Any]]:
    """Return the pages of proxy work a person may open."""
    entries = [
        ("funds:overview", _("Funds"), may(user.roles, VIEW_FUNDS)),
        ("funds:works", _("Proxy works"), True),
        ("squads:list", _("Squads"), True),
    ]
    return [
        {"label": label, "url": reverse(name), "is_open": name == open_name}
        for name, label, is_shown in entries
        if is_shown
    ]


def bar(row: FundRow) -> dict[str, str]:
    """Return how much of the budget is paid, committed and free, in percent of the bar."""
    total = max(row.budget, row.paid + row.committed + row.free, 1)
    paid, committed, free = (100 * fen / total for fen in (row.paid, row.committed, row.free))
    return {
        "paid": f"{paid:.2f}",
        "committed_from": f"{paid:.2f}",
        "committed": f"{committed:.2f}",
        "free_from": f"{paid + committed:.2f}",
        "free": f"{free:.2f}",
    }


def month_rows(rows: list[FundRow]) -> list[dict[str, Any]]:
    """Return each fund's payments and new commitments of the twelve months."""
    return [
        {
            "fund": row.fund,
            "months": [
                (row.paid_by_month.get(month, 0), row.committed_by_month.get(month, 0))
                for month in MONTHS
            ],
        }
        for row in rows
        if row.year is not None
    ]


LEDGER_COLUMNS = (
    _("Entry"),
    _("Booked at"),
    _("Kind"),
    _("Case"),
    _("Squad"),
    _("Amount in yuan"),
    _("From account"),
    _("To account"),
    _("Note"),
    _("Booked by"),
)


def ledger_line(row: dict[str, Any]) -> list[str]:
    """Return an entry as a line of an exported file."""
    entry = row["entry"]
    return [
        f"{entry.year.year}-{entry.number:06d}",
        timezone.localtime(entry.at).isoformat(timespec="seconds"),
        str(row["kind"]),
        entry.work.case.number if entry.work else "",
        str(entry.work.squad) if entry.work else "",
        yuan_of(entry.amount_fen),
        "; ".join(f"{label} {yuan_of(fen)}" for label, fen in row["from"]),
        "; ".join(f"{label} {yuan_of(fen)}" for label, fen in row["to"]),
        entry.note,
        str(entry.actor or ""),
    ]
