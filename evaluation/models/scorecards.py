"""Scorecards: what each kind of object is judged by, and how much each figure weighs. All data.

A scorecard holds from a day on; what it said of days before stays with the version before it. Its
weights add to 1: a trigger checks that at the end of every transaction.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from evaluation.indicators import INDICATORS, Indicator, Unit
from evaluation.scoring import Band, Bands, Card, Grade, Item


class ObjectKind(models.TextChoices):
    """What is ranked."""

    DISTRICT = "district", _("District")
    STREET = "street", _("Street")
    COMMUNITY = "community", _("Community")
    CELL = "cell", _("Unit grid cell")
    DEPARTMENT = "department", _("Department")
    CONTRACTOR = "contractor", _("Collection contractor")
    COLLECTOR = "collector", _("Collector")
    ACCEPTOR = "acceptor", _("Acceptor")
    SHIFT_SUPERVISOR = "shift_supervisor", _("Shift supervisor")
    DISPATCHER = "dispatcher", _("Dispatcher")


def indicator_choices() -> list[tuple[str, str | Promise]]:
    """Return the indicators by key and name."""
    return [(key, indicator.name) for key, indicator in INDICATORS.items()]


def check_indicator(key: str) -> None:
    """Refuse what is no indicator."""
    if key not in INDICATORS:
        raise ValidationError(_("There is no indicator “%(key)s”."), params={"key": key})


def check_bands(rows: object) -> None:
    """Refuse bands that leave a count without points, or that cannot be read."""
    try:
        assert isinstance(rows, list)
        bands = [Band.read(row) for row in rows]
    except (AssertionError, ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise ValidationError(
            _('Bands are a list such as [{"at_most": 50, "points": 100}, {"points": 0}].')
        ) from error
    if not bands or (bands[-1].at_least, bands[-1].at_most) != (None, None):
        raise ValidationError(_("The last band has no bounds: every count has its points."))
    if not all(0 <= band.points <= 100 for band in bands):
        raise ValidationError(_("Points lie between 0 and 100."))


class ScorecardQuerySet(models.QuerySet["Scorecard"]):
    """Scorecards by day."""

    def valid_on(self, kind: str, day: date) -> Scorecard | None:
        """Return the version that holds on a day, with its items and bands."""
        rows = self.filter(kind=kind, valid_from__lte=day).order_by("-valid_from")
        return rows.prefetch_related("items__bands").first()


class Scorecard(models.Model):
    """What objects of a kind are judged by from a day on; a later version replaces it."""

    kind = models.CharField(_("what is ranked"), max_length=20, choices=ObjectKind.choices)
    valid_from = models.DateField(_("valid from"))
    volume = models.CharField(
        _("cases counted for the minimum"), max_length=40, validators=[check_indicator]
    )
    minimum_count = models.PositiveIntegerField(
        _("no rank under so many cases"), default=0, help_text=_("in the period, whatever its kind")
    )
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects = ScorecardQuerySet.as_manager()
    known_card: Card | None = None

    class Meta:
        verbose_name = _("scorecard")
        verbose_name_plural = _("scorecards")
        ordering = ["kind", "-valid_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "valid_from"], name="one_scorecard_of_a_kind_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.valid_from}"

    def card(self) -> Card:
        """Return it as scores are computed with; one instance reads it once."""
        if self.known_card is None:
            grades = GradeStep.objects.order_by("-at_least")
            self.known_card = Card(
                tuple(item.line() for item in self.items.all()),
                self.volume,
                self.minimum_count,
                tuple(Grade(grade.letter, Fraction(grade.at_least)) for grade in grades),
            )
        return self.known_card


class ScorecardItem(models.Model):
    """One figure of a scorecard and its weight."""

    scorecard = models.ForeignKey(Scorecard, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    indicator = models.CharField(_("indicator"), max_length=40, validators=[check_indicator])
    weight = models.DecimalField(
        _("weight"),
        max_digits=5,
        decimal_places=4,
        validators=[MinValueValidator(Decimal("0.0001")), MaxValueValidator(Decimal(1))],
    )
    is_complement = models.BooleanField(
        _("less is better"), default=False, help_text=_("rates only: 1 − the rate counts")
    )

    class Meta:
        verbose_name = _("line of a scorecard")
        verbose_name_plural = _("lines of a scorecard")
        ordering = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scorecard", "indicator"], name="an_indicator_once"),
            models.CheckConstraint(
                condition=Q(weight__gt=0) & Q(weight__lte=1), name="weight_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.weight} {self.indicator}"

    @property
    def figure(self) -> Indicator:
        """The indicator itself."""
        return INDICATORS[self.indicator]

    def clean(self) -> None:
        """A rate may be turned round; a count needs bands, which are lines of their own."""
        if self.is_complement and self.indicator in INDICATORS and self.figure.unit != Unit.RATIO:
            raise ValidationError({"is_complement": _("Only of a rate.")})

    def line(self) -> Item:
        """Return it as scores are computed with."""
        bands: dict[str, Bands] = {
            each.group: tuple(Band.read(row) for row in each.steps) for each in self.bands.all()
        }
        return Item(
            self.indicator, Fraction(self.weight), self.is_complement, bands if bands else None
        )


class ItemBands(models.Model):
    """What a count comes to, in one group of objects: cells of a zone grade, like departments."""

    item = models.ForeignKey(ScorecardItem, models.CASCADE, related_name="bands")
    group = models.SlugField(
        _("group"), max_length=40, blank=True, help_text=_("empty: every group without its own")
    )
    steps = models.JSONField(
        _("bands"),
        validators=[check_bands],
        help_text=_("cases a month; the first band that holds the count gives the points"),
    )

    class Meta:
        verbose_name = _("bands")
        verbose_name_plural = _("bands")
        ordering = ["group"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["item", "group"], name="bands_of_a_group_once"),
        ]

    def __str__(self) -> str:
        return self.group or "–"


class GradeStep(models.Model):
    """A grade from so many points on; its colour is the token ``grade-a`` … ``grade-e``."""

    letter = models.CharField(_("grade"), max_length=1, unique=True)
    at_least = models.DecimalField(
        _("from so many points"), max_digits=5, decimal_places=2, unique=True
    )

    class Meta:
        verbose_name = _("grade")
        verbose_name_plural = _("grades")
        ordering = ["-at_least"]

    def __str__(self) -> str:
        return self.letter


class ComparisonGroup(models.Model):
    """Departments that can be compared: ranks and bands are theirs."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100)

    class Meta:
        verbose_name = _("group of comparable departments")
        verbose_name_plural = _("groups of comparable departments")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class ComparisonMember(models.Model):
    """A department in its group; it is in one at most."""

    group = models.ForeignKey(ComparisonGroup, models.CASCADE, related_name="members")
    organisation = models.OneToOneField(
        Organisation, models.CASCADE, related_name="comparison", verbose_name=_("organisation")
    )

    class Meta:
        verbose_name = _("member of a group")
        verbose_name_plural = _("members of a group")

    def __str__(self) -> str:
        return str(self.organisation)
