"""A ledger as a file: exactly the rows its filter keeps, as CSV or a workbook, formulas defused."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from openpyxl import Workbook

from cases.exceptions.ledger import RELATIONS
from cases.exceptions.reasons import reason_names
from cases.exceptions.words import chain_words, request_words
from cases.models import ApprovalRequest
from common.errors import DomainError
from common.spreadsheets import defused
from common.templatetags.ui import named

MOST_ROWS = 50_000  # more helps nobody in one sheet, and somebody waits for it
FORMATS: tuple[tuple[str, str | Promise, str], ...] = (
    ("csv", gettext_lazy("CSV"), "text/csv; charset=utf-8"),
    (
        "xlsx",
        gettext_lazy("Excel"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
)
HEADER = (
    gettext_lazy("Case"),
    gettext_lazy("Type"),
    gettext_lazy("Request"),
    gettext_lazy("Department"),
    gettext_lazy("Asked by"),
    gettext_lazy("Asked"),
    gettext_lazy("Deadline then"),
    gettext_lazy("Late"),
    gettext_lazy("Reason"),
    gettext_lazy("In words"),
    gettext_lazy("Approval"),
    pgettext_lazy("request", "Status"),
    gettext_lazy("Decided by"),
    gettext_lazy("Decided"),
    gettext_lazy("Decision in words"),
)


def ledger_file(rows: QuerySet[ApprovalRequest], kind: str, file_format: str) -> bytes:
    """Return a ledger's rows as a file, newest first.

    Raises:
        DomainError: invalid format, or more rows than a file takes.
    """
    writer = WRITERS.get(file_format)
    if writer is None:
        values = ", ".join(WRITERS)
        message = _("Choose one of: %(values)s.") % {"values": values}
        raise DomainError("invalid", message, {"format": [message]})
    if rows.order_by()[: MOST_ROWS + 1].count() > MOST_ROWS:
        raise DomainError(
            "invalid",
            _("More than %(most)s rows: take a month or a department first.")
            % {"most": f"{MOST_ROWS:,}"},
        )
    return writer([str(name) for name in HEADER], ledger_lines(rows, kind))


def ledger_lines(rows: QuerySet[ApprovalRequest], kind: str) -> Iterator[list[Any]]:
    """Yield the cells of each row."""
    reasons = reason_names(kind)
    for row in rows.select_related(*RELATIONS).order_by("-asked_at", "-pk").iterator(2000):
        is_late = row.was_overdue or row.was_decided_overdue
        yield [
            row.case.number,
            named(row.case.type),
            request_words(row),
            named(row.department) if row.department else "",
            str(row.asked_by),
            moment(row.asked_at),
            moment(row.due_at),
            _("yes") if is_late else "",
            reasons.get(row.reason_code, row.reason_code),
            row.reason,
            chain_words(row.steps),
            row.get_status_display(),
            str(row.decided_by) if row.decided_by else "",
            moment(row.decided_at),
            row.decision_note,
        ]


def moment(value: datetime | None) -> str:
    """Return a moment in the city's time."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""


def as_csv(header: list[str], lines: Iterable[list[Any]]) -> bytes:
    """Return UTF-8 with the mark that spreadsheets need to see Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    for line in lines:
        writer.writerow([defused(cell) for cell in line])
    return text.getvalue().encode("utf-8-sig")


def as_workbook(header: list[str], lines: Iterable[list[Any]]) -> bytes:
    """Return a workbook of one sheet; numbers of cases stay text."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append(header)
    for line in lines:
        sheet.append([defused(cell) for cell in line])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


WRITERS = {"csv": as_csv, "xlsx": as_workbook}
CONTENT_TYPES = {name: content_type for name, _label, content_type in FORMATS}
