"""What was agreed: collection contracts, their lots (标段), beats and terms.

A lot is beats for a time, and no beat is in two lots on one day. Terms of a lot hold from a day on.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any, ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from accounts.roles import Role
from common.money import MOST_FEN
from evaluation.contracts.amounts import Step, Terms
from grid.models import Beat, Validity, ValidityQuerySet

CENTRE = frozenset({Role.SHIFT_SUPERVISOR, Role.LEADER, Role.INSPECTOR, Role.ADMINISTRATOR})
READERS = CENTRE | {Role.CONTRACTOR_MANAGER}


class _Days(Func):
    """The days [valid_from, valid_to) of a row."""

    function = "daterange"
    output_field = models.DateField()


def _amount(label: Any, **more: Any) -> models.BigIntegerField:
    return models.BigIntegerField(
        label, validators=[MinValueValidator(0), MaxValueValidator(MOST_FEN)], **more
    )


class ContractQuerySet(ValidityQuerySet):
    """Contracts by who may see them."""

    def visible_to(self, user: User) -> Self:
        """Keep all for the centre, a manager's own for the contractor."""
        if user.roles & CENTRE:
            return self.all()
        if Role.CONTRACTOR_MANAGER in user.roles and user.organisation_id is not None:
            return self.filter(contractor=user.organisation_id)
        return self.none()


class CollectionContract(Validity):
    """What a contractor has agreed to collect, and from when to when."""

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    number = models.CharField(_("contract number"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=150, blank=True)
    contractor = models.ForeignKey(
        Organisation,
        models.PROTECT,
        related_name="collection_contracts",
        verbose_name=_("contractor"),
    )
    answer_days = models.PositiveSmallIntegerField(
        _("days in which to appeal on a statement"),
        default=10,
        help_text=_("counted from the day on which it was issued"),
    )

    objects = ContractQuerySet.as_manager()

    class Meta:
        verbose_name = _("collection contract")
        verbose_name_plural = _("collection contracts")
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="contract_has_days",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    def clean(self) -> None:
        """Contracts are made with collection contractors; lots stay within the contract's days."""
        super().clean()
        if self.contractor_id and self.contractor.kind != Organisation.Kind.CONTRACTOR:
            raise ValidationError({"contractor": _("This organisation is no contractor.")})


class ContractLot(Validity):
    """A lot (标段) of a contract: beats for a time, on terms."""

    contract = models.ForeignKey(
        CollectionContract, models.CASCADE, related_name="lots", verbose_name=_("contract")
    )
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=150, blank=True)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        ordering: ClassVar = ["contract", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "code"], name="a_lot_once_in_a_contract"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="lot_has_days",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class LotBeat(Validity):
    """A beat that belongs to a lot for a time; to one lot on any day."""

    lot = models.ForeignKey(
        ContractLot, models.CASCADE, related_name="beats", verbose_name=_("lot")
    )
    beat = models.ForeignKey(
        Beat, models.PROTECT, related_name="lots", verbose_name=_("patrol beat")
    )

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("beat of a lot")
        verbose_name_plural = _("beats of a lot")
        ordering: ClassVar = ["beat__code"]
        constraints: ClassVar = [
            ExclusionConstraint(
                name="a_beat_is_in_one_lot",
                expressions=[
                    ("beat", RangeOperators.EQUAL),
                    (_Days(F("valid_from"), F("valid_to")), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("A beat of these is in another lot on some of the days."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.beat} {self.valid_from}"


def validate_steps(rows: object) -> None:
    """Refuse steps that leave a rate without a share, or that cannot be read exactly."""
    try:
        assert isinstance(rows, list)
        steps = [Step.read(row) for row in rows]
    except (ArithmeticError, AssertionError, AttributeError, KeyError, TypeError, ValueError) as e:
        raise ValidationError(
            _('Steps are a list such as [{"at_least": "0.95", "share": "0"}, {"share": "0.02"}].')
        ) from e
    if not steps:
        return
    bounds = [step.at_least for step in steps[:-1]]
    known = [bound for bound in bounds if bound is not None]
    if steps[-1].at_least is not None or len(known) < len(bounds):
        raise ValidationError(_("The last step, and no other, has no bound."))
    if known != sorted(set(known), reverse=True) or not all(0 < bound <= 1 for bound in known):
        raise ValidationError(_("The bounds fall from step to step and lie between 0 and 1."))
    shares = [step.share for step in steps]
    if shares != sorted(shares) or not all(0 <= share <= 1 for share in shares):
        raise ValidationError(_("The shares rise from step to step and lie between 0 and 1."))


STEPS_HELP = _(
    "the first step whose rate is reached says which share of the fee is taken off, such as"
    ' [{"at_least": "0.95", "share": "0"}, {"share": "0.02"}]; empty: nothing is'
)


class LotTerms(models.Model):
    """What was agreed for a lot, from a day on; a later version replaces it. Amounts in fen."""

    lot = models.ForeignKey(
        ContractLot, models.CASCADE, related_name="terms", verbose_name=_("lot")
    )
    valid_from = models.DateField(_("valid from"))
    fee_fen = _amount(_("fee a month"))
    included_count = models.PositiveIntegerField(
        _("valid reports a month that the fee covers"), default=0
    )
    report_fen = _amount(_("price of a valid report beyond these"), default=0)
    ceiling_fen = _amount(_("at most for reports in a month"), null=True, blank=True)
    shortfall_fen = _amount(_("off for each valid report too few"), default=0)
    missed_fen = _amount(_("off for each missed case"), default=0)
    confirm_steps = models.JSONField(
        _("off for late confirmations"),
        default=list,
        blank=True,
        validators=[validate_steps],
        help_text=STEPS_HELP,
    )
    check_steps = models.JSONField(
        _("off for late checks"),
        default=list,
        blank=True,
        validators=[validate_steps],
        help_text=STEPS_HELP,
    )
    most_deducted = models.DecimalField(
        _("at most this share of the fee is taken off"),
        max_digits=5,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("0 to 1; empty: no limit"),
    )

    class Meta:
        verbose_name = _("terms of a lot")
        verbose_name_plural = _("terms of a lot")
        ordering: ClassVar = ["lot", "-valid_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["lot", "valid_from"], name="one_terms_of_a_lot_a_day"),
            models.CheckConstraint(
                condition=Q(
                    fee_fen__gte=0, report_fen__gte=0, shortfall_fen__gte=0, missed_fen__gte=0
                ),
                name="terms_are_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.lot} · {self.valid_from}"

    def clean(self) -> None:
        """Terms have to add up."""
        if self.ceiling_fen is not None and self.ceiling_fen < (self.report_fen or 0):
            raise ValidationError(_("The most for reports is less than the price of one."))
        if self.ceiling_fen is not None and not self.report_fen:
            raise ValidationError(_("A limit for reports needs a price for reports."))
        if self.shortfall_fen and not self.included_count:
            raise ValidationError(_("Say how many reports the fee covers: fewer cost something."))
        try:
            terms = self.agreed()
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            return  # the field's own check has said so
        worst = sum(steps[-1].share for steps in (terms.confirm_steps, terms.check_steps) if steps)
        if worst > 1:
            raise ValidationError(_("Lateness would cost more than the whole fee."))

    def agreed(self) -> Terms:
        """Return them as amounts are computed with."""
        limit = self.most_deducted
        return Terms(
            fee_fen=self.fee_fen,
            included_count=self.included_count,
            report_fen=self.report_fen,
            ceiling_fen=self.ceiling_fen,
            shortfall_fen=self.shortfall_fen,
            missed_fen=self.missed_fen,
            confirm_steps=tuple(Step.read(row) for row in self.confirm_steps),
            check_steps=tuple(Step.read(row) for row in self.check_steps),
            most_deducted=None if limit is None else Fraction(limit),
        )


def terms_on(lot: ContractLot, day: date) -> LotTerms | None:
    """Return the terms of a lot that hold on a day."""
    return lot.terms.filter(valid_from__lte=day).order_by("-valid_from").first()
