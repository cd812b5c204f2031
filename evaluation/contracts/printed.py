"""A statement on paper: lines with formulas, counter-lines, the amount due, two signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from common.money import money_text
from common.typesetting import typeset_pdf
from evaluation.contracts.pages import Row, StatementPage, is_english

TEMPLATE = Path(__file__).with_name("statement.typ")


def statement_pdf(page: StatementPage) -> bytes:
    """Return a statement as a PDF, in the language of now.

    Raises:
        NoFonts: the machine has no Chinese font.
    """
    return typeset_pdf(TEMPLATE, statement_data(page))


def statement_data(page: StatementPage) -> dict[str, Any]:
    """Return what the template prints."""
    found, contract = page.statement, page.told.contract
    return {
        "title": _("Statement for collection · %(name)s") % {"name": page.name},
        "language": "en" if is_english() else "zh",
        "made": f"{timezone.localtime(page.now):%Y-%m-%d %H:%M}",
        "mark": f"SHA-256 {found.sha256}",
        "is_draft": found.is_draft,
        "facts": [
            [_("Contract"), f"{contract['number']}  {page.contract_name}"],
            [pgettext("collection", "Contractor"), page.contractor_name],
            [pgettext("statement", "State"), found.get_state_display()],
            [pgettext("statement", "Issued"), _moment(found.issued_at, found.issued_by)],
            [pgettext("statement", "Agreed"), _moment(found.agreed_at, found.agreed_by)],
            [_("Reason"), found.reason],
        ],
        "lots": [
            {
                "name": lot.name,
                "terms": [
                    pgettext("separator", ": ").join((str(name), value))
                    for name, value in lot.terms
                ],
                "rows": [_line(row) for row in lot.rows],
                "amount": money_text(lot.amount_fen),
            }
            for lot in page.lots
        ],
        "settled": [_line(row) for row in page.settled],
        "counter_lines": [
            {
                "name": " · ".join(part for part in (row["lot"], str(row["name"])) if part),
                "reason": row["appeal"].reason,
                "answer": row["appeal"].answer,
                "state": row["appeal"].get_state_display(),
                "amount": money_text(sum(entry.amount_fen for entry in row["entries"])),
            }
            for row in page.appeal_rows
        ],
        "total": money_text(page.told.total_fen),
        "due": money_text(page.due_fen),
        "words": {
            "line": _("Line"),
            "quantity": _("Quantity"),
            "formula": _("Formula"),
            "amount": _("Amount in yuan"),
            "of_lot": _("Sum of the lot"),
            "total": _("Sum of the lines"),
            "appeals": _("Appeals and counter-lines"),
            "reason": _("Reason"),
            "answer": _("Decision"),
            "due": _("Amount due in yuan"),
            "rounding": rounding_text(),
            "draft": pgettext("statement", "Draft"),
            "centre": _("For the supervision centre"),
            "contractor": _("For the contractor"),
            "date": _("Date and seal"),
        },
    }


def rounding_text() -> str:
    """Return the rule of rounding in words."""
    return _("Each line is rounded once to the fen, halves up; the sum adds rounded lines.")


def _moment(moment: Any, person: Any) -> str:
    if moment is None:
        return ""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}  {person or ''}"


def _line(row: Row) -> list[str]:
    return [row.name, row.quantity, row.formula, money_text(row.amount_fen)]
