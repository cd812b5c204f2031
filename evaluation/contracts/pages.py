"""What the pages of contracts show: a statement's lots and lines, its appeals, who may do what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from common.templatetags.ui import in_language
from evaluation.contracts.amounts import Line, LineKind
from evaluation.contracts.appeals import most_granted
from evaluation.contracts.models import ContractStatement, LineAppeal, QualityDeduction
from evaluation.contracts.quantities import BEHIND, BEHIND_OF
from evaluation.contracts.statements import AGREERS, DRAWERS, ISSUERS, statement_has_late
from evaluation.contracts.told import Told, ToldLot, appeals_end, key_of, statement_read
from evaluation.contracts.words import NAMES, formula_text, quantity_text, terms_text
from evaluation.pages.words import period_text
from evaluation.services.appeals import DECIDERS

State = ContractStatement.State
OF = "of"


def is_english() -> bool:
    """Tell whether the reader reads English."""
    return (get_language() or "").startswith("en")


def statement_name(statement: ContractStatement) -> str:
    """Return what a statement is called, such as "October 2026, supplement 1"."""
    name = period_text(statement.period)
    if not statement.number:
        return name
    return _("%(month)s, supplement %(number)s") % {"month": name, "number": statement.number}


@dataclass(frozen=True, slots=True)
class Row:
    """A line as it is shown; ``list_url`` and ``of_url`` open what was counted."""

    key: str
    name: str
    formula: str
    quantity: str
    amount_fen: int
    list_url: str
    of_url: str
    count: int
    of: int | None
    appeal_url: str
    countered_fen: int


@dataclass(frozen=True, slots=True)
class LotRows:
    """A lot as it is shown."""

    name: str
    terms: list[tuple[str, str]]
    rows: list[Row]
    amount_fen: int


class StatementPage:
    """A statement for one reader: read once from its frozen form."""

    def __init__(self, statement: ContractStatement, user: User, now: datetime) -> None:
        self.statement, self.user, self.now = statement, user, now
        self.told: Told = statement_read(statement)
        rows = statement.appeals.select_related("filed_by", "decided_by", "reversed_by")
        self.appeals: list[LineAppeal] = list(rows.prefetch_related("entries__made_by"))

    @property
    def name(self) -> str:
        """What it is called."""
        return statement_name(self.statement)

    @property
    def contract_name(self) -> str:
        """The contract's name as it was."""
        return in_language(self.told.contract, "name")

    @property
    def contractor_name(self) -> str:
        """The contractor's name as it was."""
        return in_language(self.told.contract, "contractor_name")

    @property
    def is_contractors(self) -> bool:
        """Whether its reader is of the contractor."""
        return self.user.organisation_id == self.statement.contract.contractor_id

    @property
    def lots(self) -> list[LotRows]:
        """The lots with their lines."""
        return [
            LotRows(
                in_language({"name": lot.name, "name_en": lot.name_en}, "name"),
                terms_text(lot.terms),
                [self._row(lot, line) for line in lot.lines],
                lot.amount_fen,
            )
            for lot in self.told.lots
        ]

    @property
    def settled(self) -> list[Row]:
        """What earlier statements of the month have settled."""
        return [self._row(None, line) for line in self.told.settled]

    @property
    def countered_fen(self) -> int:
        """What the counter-lines come to."""
        return sum(entry.amount_fen for each in self.appeals for entry in each.entries.all())

    @property
    def due_fen(self) -> int:
        """What is paid."""
        return self.told.total_fen + self.countered_fen

    def _row(self, lot: ToldLot | None, line: Line) -> Row:
        key = key_of(lot.code if lot else "", line.kind)
        base = reverse("evaluation:statement-cases", args=[self.statement.pk])
        opens = line.kind in BEHIND or line.kind is LineKind.QUALITY
        of = line.kind in BEHIND_OF
        return Row(
            key=key,
            name=str(NAMES[line.kind]),
            formula=formula_text(line),
            quantity=quantity_text(line),
            amount_fen=line.amount_fen,
            list_url=f"{base}?{urlencode({'line': key})}" if opens else "",
            of_url=f"{base}?{urlencode({'line': key, 'side': OF})}" if of else "",
            count=line.quantity,
            of=line.of,
            appeal_url=self._appeal_url(key),
            countered_fen=sum(
                entry.amount_fen
                for each in self.appeals
                if each.line == key
                for entry in each.entries.all()
            ),
        )

    def _appeal_url(self, key: str) -> str:
        taken = any(each.line == key and each.state != each.State.REVERSED for each in self.appeals)
        if taken or not self.may_appeal:
            return ""
        base = reverse("evaluation:line-appeal", args=[self.statement.pk])
        return f"{base}?{urlencode({'line': key})}"

    # ── who may do what now: the services decide again ──────────────────────────────────────────

    @cached_property
    def may_appeal(self) -> bool:
        """Whether its reader may appeal on a line."""
        until = appeals_end(self.statement, self.told)
        is_open = self.statement.state in (State.ISSUED, State.APPEALED)
        return bool(self._agrees and is_open and until and self.now < until)

    @property
    def may_agree(self) -> bool:
        """Whether its reader may agree to it."""
        return self._agrees and self.statement.state == State.ISSUED

    @property
    def may_compute(self) -> bool:
        """Whether its reader may compute it anew."""
        return self.statement.is_draft and self._is_centres(DRAWERS)

    @property
    def may_issue(self) -> bool:
        """Whether its reader may issue it."""
        return self.statement.is_draft and self._is_centres(ISSUERS)

    @property
    def may_supplement(self) -> bool:
        """Whether something came late that its reader may draw up a supplement for."""
        if self.statement.is_draft or not self._is_centres(DRAWERS):
            return False
        of_month = self.statement.contract.statements.filter(first_date=self.statement.first_date)
        is_last = not of_month.filter(number__gt=self.statement.number).exists()
        return is_last and statement_has_late(self.statement)

    @property
    def decides(self) -> bool:
        """Whether its reader may decide appeals on it."""
        is_issuer = self.statement.issued_by_id == self.user.pk
        return self._is_centres(DECIDERS) and not is_issuer

    @property
    def _agrees(self) -> bool:
        return bool(self.user.roles & AGREERS) and self.is_contractors

    def _is_centres(self, roles: Any) -> bool:
        return bool(self.user.roles & roles) and not self.is_contractors

    @property
    def appeal_rows(self) -> list[dict[str, Any]]:
        """Appeals with the line each is about, and what may be done with it."""
        found = []
        for each in self.appeals:
            told = self.told.line(each.line)
            assert told is not None
            lot, line = told
            names = {"name": lot.name, "name_en": lot.name_en} if lot else {}
            may = self.decides and each.filed_by_id != self.user.pk
            is_agreed = self.statement.state == State.AGREED
            found.append(
                {
                    "appeal": each,
                    "lot": in_language(names, "name"),
                    "name": NAMES[line.kind],
                    "entries": list(each.entries.all()),
                    "decides": may and each.state == each.State.OPEN,
                    "reverses": may and each.state == each.State.UPHELD and not is_agreed,
                    "most_fen": most_granted(each, self.told),
                }
            )
        return found

    def deductions(self) -> list[QualityDeduction]:
        """Return the deductions of all its lots."""
        wanted = [pk for lot in self.told.lots for pk in lot.deductions]
        rows = QualityDeduction.objects.filter(pk__in=wanted).select_related("case__type", "lot")
        return list(rows.order_by("lot__code", "day", "pk"))
