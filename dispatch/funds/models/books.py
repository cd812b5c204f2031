"""The books of a fund: accounts, immutable entries, postings that sum to zero.

What the database holds to by itself (triggers of the migration, and the constraints here): entries
and postings are written once; when the transaction commits, the postings of an entry sum to zero
and are as many as it says; an account's balance is moved by its postings and by nothing else,
under the lock of its row, and is never below zero; a closed year takes no entry. As a page:
docs/rules/funds.md.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, User
from accounts.roles import VIEW_FUNDS, Role, may
from cases.models.case import WHOLE_CITY_DESKS
from common.models import AppendOnlyModel
from grid.models import Area, Jurisdiction


class FundQuerySet(models.QuerySet["Fund"]):
    """Which funds a person may see: the one policy for pages, panels and exports."""

    def visible_to(self, user: User) -> FundQuerySet:
        """Keep the funds this person may see; what is left out does not exist for them.

        The centre's posts and the city's desk see all, a district's desk that of its ground.
        """
        roles = user.roles if user.is_active else frozenset()
        if user.city_id is None or not may(roles, VIEW_FUNDS):
            return self.none()
        funds = self.filter(city_id=user.city_id)
        if may(roles - {Role.DISPATCHER}, VIEW_FUNDS):
            return funds
        if user.organisation is None:
            return self.none()
        if user.organisation.kind in WHOLE_CITY_DESKS:
            return funds
        ground = Jurisdiction.objects.filter(
            organisation=user.organisation.pk, function=Jurisdiction.Function.DISPATCH
        )
        return funds.filter(district__in=ground.values("area_id"))


class Fund(models.Model):
    """Money set aside for proxy rectification in the whole city or in one district."""

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    district = models.ForeignKey(
        Area,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        limit_choices_to={"level": Area.Level.DISTRICT},
        verbose_name=_("district"),
        help_text=_("whose cases it pays for; empty: those of districts without a fund"),
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = FundQuerySet.as_manager()

    class Meta:
        verbose_name = _("fund")
        verbose_name_plural = _("funds")
        ordering = ["city", models.F("district__code").asc(nulls_first=True), "code"]
        permissions: ClassVar = [
            ("view_funds", "May see the funds and what is booked"),
            ("allocate_funds", "May enter budgets, allocate and close years"),
            ("check_costs", "May check the costs of proxy work"),
            ("book_funds", "May book payments, recoveries and reversals"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "code"], name="fund_code_unique"),
            models.UniqueConstraint(
                fields=["city", "district"],
                condition=Q(is_active=True),
                nulls_distinct=False,
                name="one_fund_a_district",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FundYear(models.Model):
    """The book of one year; a closed one takes no entry."""

    fund = models.ForeignKey(Fund, models.PROTECT, related_name="years")
    year = models.PositiveSmallIntegerField(_("year"))
    last_number = models.PositiveIntegerField(default=0)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta:
        verbose_name = _("year of a fund")
        verbose_name_plural = _("years of a fund")
        ordering = ["fund", "-year"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["fund", "year"], name="fund_year_once"),
        ]

    def __str__(self) -> str:
        return f"{self.fund_id} {self.year}"


class Kind(models.TextChoices):
    """What an account holds."""

    SOURCE = "source", _("Treasury")
    UNALLOCATED = "unallocated", _("Budget not yet allocated")
    FREE = "free", _("Free")
    COMMITTED = "committed", _("Committed")
    PAID = "paid", _("Paid")
    RECOVERED = "recovered", _("Recovered")
    RECEIVABLE = "receivable", _("To be recovered")
    CLAIMS = "claims", _("Claims on bodies")


# The other side of what comes in from outside: these alone may be below zero.
CONTRA = frozenset({Kind.SOURCE, Kind.RECOVERED, Kind.CLAIMS})
# A body's debt outlives the year it arose in.
PERPETUAL = frozenset({Kind.RECEIVABLE, Kind.CLAIMS})


class Account(models.Model):
    """One account of a fund, of one year or of all; the balance is its postings' sum."""

    fund = models.ForeignKey(Fund, models.PROTECT, related_name="accounts")
    year = models.ForeignKey(FundYear, models.PROTECT, null=True, related_name="accounts")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    balance_fen = models.BigIntegerField(
        default=0, editable=False, help_text=_("moved by postings alone, see the triggers")
    )

    class Meta:
        db_table = "dispatch_fundaccount"
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["fund", "year", "kind"], nulls_distinct=False, name="account_once"
            ),
            models.CheckConstraint(
                condition=Q(balance_fen__gte=0) | Q(kind__in=sorted(CONTRA)),
                name="balance_never_negative",
            ),
        ]


class EntryKind(models.TextChoices):
    """What an entry books."""

    BUDGET = "budget", _("Budget")
    ALLOCATION = "allocation", _("Allocation")
    COMMITMENT = "commitment", _("Commitment")
    RELEASE = "release", _("Release")
    CHARGE = "charge", _("Payment")
    RECEIVABLE = "receivable", _("Claim on a body")
    REFUND = "refund", _("Refund by a body")
    REVERSAL = "reversal", pgettext_lazy("entry", "Reversal")


class JournalEntry(AppendOnlyModel):
    """One fact of a fund's book; what was wrong is reversed by another entry, never changed."""

    year = models.ForeignKey(FundYear, models.PROTECT, related_name="entries", db_index=False)
    number = models.PositiveIntegerField(help_text=_("1, 2, 3 … within the year, without a gap"))
    kind = models.CharField(max_length=12, choices=EntryKind.choices)
    amount_fen = models.BigIntegerField()
    posting_count = models.PositiveSmallIntegerField()
    work = models.ForeignKey(
        "dispatch.ProxyWork", models.PROTECT, null=True, related_name="entries"
    )
    cost = models.ForeignKey(
        "dispatch.CostEntry", models.PROTECT, null=True, related_name="entries", db_index=False
    )
    recovery = models.ForeignKey(
        "dispatch.Recovery", models.PROTECT, null=True, related_name="entries", db_index=False
    )
    reverses = models.OneToOneField(
        "self", models.PROTECT, null=True, related_name="reversed_by", db_index=False
    )
    note = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        ordering = ["-at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["year", "number"], name="entry_number_unique"),
            models.UniqueConstraint(
                fields=["cost"], condition=Q(kind="charge"), name="cost_charged_once"
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="entry_amount_positive"),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="reversal_names_its_entry",
            ),
            models.CheckConstraint(condition=Q(posting_count__gte=2), name="entry_has_two_sides"),
        ]
        indexes: ClassVar = [models.Index(fields=["year", "-at", "-id"], name="entry_of_year")]

    def __str__(self) -> str:
        return f"{self.year_id}-{self.number:06d}"


class Posting(AppendOnlyModel):
    """One side of an entry: so many fen to an account, or from it."""

    entry = models.ForeignKey(JournalEntry, models.PROTECT, related_name="postings", db_index=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="postings")
    amount_fen = models.BigIntegerField()

    class Meta:
        db_table = "dispatch_posting"
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        ordering = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["entry", "account"], name="one_posting_an_account"),
            models.CheckConstraint(condition=~Q(amount_fen=0), name="posting_moves_something"),
        ]
