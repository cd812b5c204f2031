"""What a fund pays for: the proxy work of a case, its quotes, costs and recovery.

A work begins with the leader's approval of the request and is tied to it. Its money stands in the
books alone; here is who offered, spent and checked what.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, Organisation, User
from cases.models import ApprovalRequest, Case, Photo
from dispatch.funds.models.books import FundYear


class ProxyThreshold(models.Model):
    """What a work of a size needs: the row with the largest amount not above the quote holds."""

    class Accepter(models.TextChoices):
        DISPATCHER = "dispatcher", _("Dispatcher")
        LEADER = "leader", _("Centre's leader")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    from_fen = models.BigIntegerField(_("from, in fen"))
    quote_count = models.PositiveSmallIntegerField(
        _("quotes to compare"), default=1, help_text=_("from how many bodies")
    )
    accepted_by = models.CharField(_("accepted by"), max_length=12, choices=Accepter.choices)
    overrun_percent = models.PositiveSmallIntegerField(
        _("overrun without approval, percent"),
        default=10,
        validators=[MaxValueValidator(100)],
        help_text=_("a cost further above the quote needs the leader"),
    )

    class Meta:
        verbose_name = _("threshold of proxy work")
        verbose_name_plural = _("thresholds of proxy work")
        ordering = ["city", "from_fen"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "from_fen"], name="proxy_threshold_once"),
            models.CheckConstraint(condition=Q(from_fen__gte=0), name="proxy_threshold_positive"),
        ]


class ProxyWork(models.Model):
    """Proxy rectification ordered in a case, and the book that pays for it."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("proxy work", "Open")
        CHARGED = "charged", _("Charged")
        RELEASED = "released", _("Released")

    case = models.ForeignKey(Case, models.PROTECT, related_name="proxy_works", db_index=False)
    run = models.PositiveSmallIntegerField()
    request = models.OneToOneField(ApprovalRequest, models.PROTECT, related_name="proxy_work")
    squad = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    year = models.ForeignKey(FundYear, models.PROTECT, related_name="works")
    estimate_fen = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("proxy work")
        verbose_name_plural = _("proxy works")
        ordering = ["-opened_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="open"), name="one_open_proxy_work"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["case"], name="proxy_work_case"),
            models.Index(fields=["year", "state"], name="proxy_work_year"),
        ]


class Quote(models.Model):
    """What a squad or contractor would do the work for; kept whoever gets it."""

    class State(models.TextChoices):
        OFFERED = "offered", pgettext_lazy("quote", "Offered")
        ACCEPTED = "accepted", pgettext_lazy("quote", "Accepted")
        REPLACED = "replaced", pgettext_lazy("quote", "Replaced by a later one")

    case = models.ForeignKey(Case, models.PROTECT, related_name="proxy_quotes")
    run = models.PositiveSmallIntegerField()
    bidder = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField()
    note = models.CharField(max_length=300, blank=True)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OFFERED)
    work = models.ForeignKey(ProxyWork, models.PROTECT, null=True, related_name="quotes")
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    reason = models.CharField(
        max_length=300, blank=True, help_text=_("why not the lowest, where it is not")
    )

    class Meta:
        verbose_name = _("quote")
        verbose_name_plural = _("quotes")
        ordering = ["amount_fen", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["work"], condition=Q(state="accepted"), name="one_quote_accepted"
            ),
            models.UniqueConstraint(
                fields=["case", "run", "bidder"],
                condition=~Q(state="replaced"),
                name="one_quote_a_bidder",
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="quote_positive"),
        ]


class CostEntry(models.Model):
    """What the work cost, item by item with evidence; entered by one, checked by another."""

    class State(models.TextChoices):
        TO_APPROVE = "to_approve", _("Above the quote: to approve")
        TO_CHECK = "to_check", pgettext_lazy("cost", "To check")
        CHECKED = "checked", pgettext_lazy("cost", "Checked")
        CHARGED = "charged", pgettext_lazy("cost", "Charged")
        RETURNED = "returned", pgettext_lazy("cost", "Returned")
        ENDED = "ended", pgettext_lazy("cost", "Ended with the work")

    work = models.ForeignKey(ProxyWork, models.PROTECT, related_name="costs")
    amount_fen = models.BigIntegerField()
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=12, choices=State.choices)
    entered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("cost entry")
        verbose_name_plural = _("cost entries")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["work"],
                condition=~Q(state__in=["returned", "ended"]),
                name="one_cost_a_work",
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="cost_positive"),
            models.CheckConstraint(
                condition=Q(checked_by__isnull=True) | ~Q(checked_by=F("entered_by")),
                name="cost_checked_by_another",
            ),
        ]


class CostItem(models.Model):
    """One line of a cost entry; its amount is quantity times price, rounded to the fen."""

    cost = models.ForeignKey(CostEntry, models.PROTECT, related_name="items")
    name = models.CharField(max_length=100)
    quantity = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(1))
    unit = models.CharField(max_length=20, blank=True)
    price_fen = models.BigIntegerField()
    amount_fen = models.BigIntegerField()

    class Meta:
        verbose_name = _("item of a cost entry")
        verbose_name_plural = _("items of a cost entry")
        ordering = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(price_fen__gt=0, amount_fen__gt=0, quantity__gt=0),
                name="cost_item_positive",
            ),
        ]


class CostEvidence(models.Model):
    """A picture of an invoice or delivery note; each serves once."""

    cost = models.ForeignKey(CostEntry, models.PROTECT, related_name="evidence")
    photo = models.OneToOneField(Photo, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("evidence of a cost")
        verbose_name_plural = _("evidence of costs")


class Recovery(models.Model):
    """What the body found responsible owes the fund, and how much it has paid back."""

    work = models.ForeignKey(ProxyWork, models.PROTECT, related_name="recoveries")
    debtor = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField()
    refunded_fen = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=300)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    is_cancelled = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("recovery")
        verbose_name_plural = _("recoveries")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["work"], condition=Q(is_cancelled=False), name="one_recovery_a_work"
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, refunded_fen__gte=0)
                & Q(refunded_fen__lte=F("amount_fen")),
                name="refunded_at_most_owed",
            ),
        ]

    @property
    def open_fen(self) -> int:
        """What is still owed."""
        return self.amount_fen - self.refunded_fen
