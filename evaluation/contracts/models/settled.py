"""What is paid: statements (结算单), deductions, appeals on lines and what they add.

A statement is computed, frozen as canonical JSON and issued; a trigger keeps what was issued.
Appeals on its lines add counter-lines, never edits.
"""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q, Sum
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from cases.models import Case
from common.models import AppendOnlyModel
from evaluation.contracts.models.agreed import CENTRE, CollectionContract, ContractLot
from evaluation.periods import Period, PeriodKind


class StatementQuerySet(models.QuerySet["ContractStatement"]):
    """Statements by who may see them."""

    def visible_to(self, user: User) -> Self:
        """Keep all for the centre; for a contractor its own, once they were issued."""
        if user.roles & CENTRE:
            return self.all()
        own = CollectionContract.objects.visible_to(user)
        return self.filter(contract__in=own).exclude(state=ContractStatement.State.DRAFT)

    def with_due(self) -> Self:
        """Add what counter-lines come to as ``countered``."""
        total = Sum("appeals__entries__amount_fen", default=0)
        return self.annotate(countered=total)


class ContractStatement(models.Model):
    """What a contractor is paid for a month (number 0), or a supplement to it (1, 2, …).

    ``content`` is the canonical JSON that ``sha256`` is taken of. A trigger keeps what was issued.
    """

    class State(models.TextChoices):
        """How far it has come."""

        DRAFT = "draft", pgettext_lazy("statement", "Draft")
        ISSUED = "issued", pgettext_lazy("statement", "Issued")
        APPEALED = "appealed", pgettext_lazy("statement", "Appealed")
        AGREED = "agreed", pgettext_lazy("statement", "Agreed")

    contract = models.ForeignKey(CollectionContract, models.PROTECT, related_name="statements")
    first_date = models.DateField(_("first day"))
    end_date = models.DateField(_("day after the last"))
    number = models.PositiveSmallIntegerField(_("supplement"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.DRAFT)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    position = models.BigIntegerField(_("facts up to the event"))
    entries = models.BigIntegerField(_("counter-entries up to"))
    content = models.TextField(_("content"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    total_fen = models.BigIntegerField(_("sum of the lines"))
    computed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    computed_at = models.DateTimeField(_("computed at"))
    issued_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(_("issued at"), null=True)
    agreed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    agreed_at = models.DateTimeField(_("agreed at"), null=True)

    objects = StatementQuerySet.as_manager()

    class Meta:
        verbose_name = pgettext_lazy("contract", "statement")
        verbose_name_plural = pgettext_lazy("contract", "statements")
        ordering: ClassVar = ["-first_date", "contract", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "first_date", "number"], name="one_statement_of_a_month"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | Q(issued_by__isnull=False, issued_at__isnull=False),
                name="issued_statement_has_an_issuer",
            ),
            models.CheckConstraint(
                condition=~Q(state="agreed")
                | (Q(agreed_by__isnull=False) & ~Q(agreed_by=F("issued_by"))),
                name="who_agrees_did_not_issue",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.first_date:%Y-%m} · {self.number}"

    @property
    def period(self) -> Period:
        """The month it is about."""
        return Period(self.first_date, self.end_date, PeriodKind.MONTH)

    @property
    def is_draft(self) -> bool:
        """Whether nobody outside the centre has seen it."""
        return self.state == self.State.DRAFT


class LineAppeal(models.Model):
    """A contractor says that a line of a statement is wrong."""

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", pgettext_lazy("appeal", "Waits for a decision")
        UPHELD = "upheld", pgettext_lazy("appeal", "Upheld")
        REJECTED = "rejected", pgettext_lazy("appeal", "Rejected")
        REVERSED = "reversed", pgettext_lazy("appeal", "Upheld, then reversed")

    statement = models.ForeignKey(ContractStatement, models.PROTECT, related_name="appeals")
    line = models.CharField(_("line"), max_length=60)
    reason = models.CharField(_("reason"), max_length=500)
    filed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    filed_at = models.DateTimeField(_("filed at"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.CharField(_("answer"), max_length=500, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reversed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reversed_at = models.DateTimeField(_("reversed at"), null=True)

    class Meta:
        verbose_name = pgettext_lazy("contract", "appeal on a line")
        verbose_name_plural = pgettext_lazy("contract", "appeals on lines")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "line"],
                condition=~Q(state="reversed"),
                name="one_appeal_a_line",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("filed_by")),
                name="who_decides_did_not_appeal_on_the_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} {self.line}"


class CounterLine(AppendOnlyModel):
    """What a decision adds to a statement; a reversal adds the same with the other sign."""

    appeal = models.ForeignKey(LineAppeal, models.PROTECT, related_name="entries")
    amount_fen = models.BigIntegerField(pgettext_lazy("money", "amount"))
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("counter-line")
        verbose_name_plural = _("counter-lines")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(amount_fen=0), name="counter_line_is_something"),
        ]

    def __str__(self) -> str:
        return f"{self.appeal_id} {self.amount_fen:+d}"


class DeductionQuerySet(models.QuerySet["QualityDeduction"]):
    """Deductions by who may see them and by what counts."""

    def visible_to(self, user: User) -> Self:
        """Keep all for the centre, a contractor's own for its managers."""
        return self.filter(lot__contract__in=CollectionContract.objects.visible_to(user))

    def standing(self) -> Self:
        """Leave out what was withdrawn."""
        return self.filter(withdrawn_at__isnull=True)


class QualityDeduction(models.Model):
    """Something badly done, booked by the centre: what, when, how much, why, and in which case."""

    class Kind(models.TextChoices):
        """What was wrong."""

        FALSE_REPORT = "false_report", _("False report")
        POOR_EVIDENCE = "poor_evidence", _("Photo or description not as required")
        WRONG_CHECK = "wrong_check", _("Wrong confirmation or check")
        ABSENCE = "absence", _("Beat not walked")
        CONDUCT = "conduct", _("Conduct")
        OTHER = "other", pgettext_lazy("deduction", "Other")

    key = models.UUIDField(unique=True, editable=False)
    lot = models.ForeignKey(ContractLot, models.PROTECT, related_name="deductions")
    day = models.DateField(pgettext_lazy("deduction", "day"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    amount_fen = models.BigIntegerField(pgettext_lazy("money", "amount"))
    reason = models.CharField(_("reason"), max_length=500)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+")
    booked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    booked_at = models.DateTimeField(_("booked at"))
    statement = models.ForeignKey(
        ContractStatement, models.PROTECT, null=True, related_name="deductions"
    )
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True)

    objects = DeductionQuerySet.as_manager()

    class Meta:
        verbose_name = _("quality deduction")
        verbose_name_plural = _("quality deductions")
        ordering: ClassVar = ["-day", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="deduction_positive"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(statement__isnull=True),
                name="what_was_issued_is_not_withdrawn",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["lot", "day"], name="deduction_lot_day")]

    def __str__(self) -> str:
        return f"{self.lot_id} {self.day} {self.amount_fen}"
