"""Facts, which are written once, and the sums of a day, which are made anew from them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.models import Case, CaseClock, Source
from cases.workflow import ClockOutcome
from common.models import AppendOnlyModel
from components.models import CaseStandard, CaseType
from evaluation.measures import MEASURES, STORED
from evaluation.story import FactKind
from grid.models import Area, GridCell

OPEN_LATE = sorted(m.open_late.value for m in MEASURES.values() if m.open_late is not None)
ANSWERED = sorted([ClockOutcome.DONE.value, ClockOutcome.UNSOLVED.value])
PLACES = 1000  # facts one event may bring: its position and the place among them make the key


class FactColumns(AppendOnlyModel):
    """Who, where, what, how long, as they were then. People are keys, never names."""

    position = models.BigIntegerField(_("position of the event"))
    case = models.ForeignKey(Case, models.PROTECT, related_name="%(class)ss")
    sequence = models.PositiveIntegerField(_("event of the case"))
    clock = models.ForeignKey(
        CaseClock, models.PROTECT, null=True, related_name="+", db_index=False
    )
    run = models.PositiveSmallIntegerField(_("run"))
    kind = models.CharField(_("kind"), max_length=12, choices=FactKind.choices())
    outcome = models.CharField(
        _("outcome"), max_length=12, choices=ClockOutcome.choices(), blank=True
    )
    action = models.CharField(_("action"), max_length=24)
    is_part = models.BooleanField(_("of a co-operating department"))
    is_late = models.BooleanField(_("late"))

    day = models.DateField(_("day"), help_text=_("the local date of the event"))
    happened_at = models.DateTimeField(_("happened at"))
    started_at = models.DateTimeField(_("began"), null=True)
    planned_end_at = models.DateTimeField(_("planned end"), null=True)
    actual_end_at = models.DateTimeField(_("actual end"), null=True)
    used_seconds = models.IntegerField(
        _("time used (s)"), null=True, help_text=_("as the limit counts: working time or natural")
    )
    paused_seconds = models.IntegerField(_("time paused (s)"), null=True)

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    type = models.ForeignKey(CaseType, models.PROTECT, null=True, related_name="+", db_index=False)
    standard = models.ForeignKey(
        CaseStandard, models.PROTECT, null=True, related_name="+", db_index=False
    )
    cell = models.ForeignKey(GridCell, models.PROTECT, related_name="+", db_index=False)
    cell_code = models.CharField(_("cell"), max_length=16)
    community = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    street = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    district = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        abstract = True


class Fact(FactColumns):
    """A clock that stopped, or an outcome.

    The key follows from the event's position in the log, so that facts built anew from the events
    are the same rows.
    """

    id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name = _("fact")
        verbose_name_plural = _("facts")
        ordering = ["id"]
        constraints: ClassVar = [
            # Facts stay in order of positions: the key is the position and a place among its facts.
            models.CheckConstraint(
                condition=Q(id__gte=models.F("position") * PLACES)
                & Q(id__lt=(models.F("position") + 1) * PLACES),
                name="fact_key_is_its_position",
            ),
        ]
        indexes: ClassVar = [
            # Facts are written in the order of days but for a few: a thousandth of a B-tree.
            BrinIndex(fields=["day"], pages_per_range=32, autosummarize=True, name="fact_day"),
            models.Index(fields=["organisation", "day"], name="fact_organisation"),
            # What ended beyond its deadline: found by deadline and end, without the table.
            models.Index(
                fields=["kind", "planned_end_at", "actual_end_at"],
                condition=Q(is_late=True, kind__in=OPEN_LATE, outcome__in=ANSWERED),
                name="fact_open_late",
            ),
            # How long handling took, read from the index alone: a tenth of the facts of its days.
            models.Index(
                fields=["day"],
                include=[
                    "id",
                    "started_at",
                    "actual_end_at",
                    "happened_at",
                    "is_late",
                    "organisation",
                    "person",
                    "cell",
                    "community",
                    "street",
                    "district",
                ],
                condition=Q(kind=FactKind.HANDLE.value, outcome=ClockOutcome.DONE.value),
                name="fact_handled",
            ),
            models.Index(
                fields=["cell", "type", "happened_at"],
                condition=Q(kind=FactKind.FILED.value),
                name="fact_filed_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class DirtyDay(models.Model):
    """A day whose sums do not hold all its facts: it is read from the facts until they do."""

    day = models.DateField(primary_key=True)
    touch_count = models.PositiveIntegerField(default=1)


class DaySum(models.Model):
    """The measures of one day and one object; a day is made anew as a whole, never added to.

    A zero is stored as null, which takes no room: most are.
    """

    day = models.DateField()

    class Meta:
        abstract = True


for _measure in STORED:
    _column = models.BigIntegerField(null=True) if _measure.adds else models.IntegerField(null=True)
    DaySum.add_to_class(_measure.key, _column)


class PlaceDay(DaySum):
    """The sums of a cell, with the areas it lay in."""

    cell = models.ForeignKey(GridCell, models.PROTECT, related_name="+", db_index=False)
    community = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    street = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    district = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["day"], name="place_day")]


class CommunityDay(DaySum):
    """The sums of a community: what larger areas add up, of a fortieth of the rows of cells."""

    community = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    street = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    district = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["day"], name="community_day")]


class OrganisationDay(DaySum):
    """The sums of a body; null: of nobody, such as the case as a whole."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["day"], name="organisation_day")]


class PersonDay(DaySum):
    """The sums of a person in a body."""

    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )

    class Meta:
        indexes: ClassVar = [models.Index(fields=["day"], name="person_day")]


class TypeDay(DaySum):
    """The sums of a type."""

    type = models.ForeignKey(CaseType, models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["day"], name="type_day")]


DAY_SUMS: tuple[type[DaySum], ...] = (  # the smallest first
    OrganisationDay,
    TypeDay,
    PersonDay,
    CommunityDay,
    PlaceDay,
)
DIMENSIONS: dict[type[DaySum], tuple[str, ...]] = {
    OrganisationDay: ("organisation",),
    TypeDay: ("type",),
    PersonDay: ("person", "organisation"),
    CommunityDay: ("community", "street", "district"),
    PlaceDay: ("cell", "community", "street", "district"),
}


class LateFacts(models.TextChoices):
    """Where facts and counter-entries go that come after their period was published."""

    SUPPLEMENT = "supplement", _("into a supplement of the period")
    NEXT = "next", _("into the next period that is published")


class EvaluationPolicy(models.Model):
    """Numbers of evaluation that a city sets for itself, from a day on; rows of the past stay."""

    valid_from = models.DateField(_("valid from"), unique=True)
    repeat_days = models.PositiveSmallIntegerField(
        _("filed again within so many days counts as a repeat"),
        help_text=_("the same type in the same cell"),
    )
    appeal_days = models.PositiveSmallIntegerField(
        _("a department may appeal within so many days"), default=30
    )
    late_facts = models.CharField(
        _("what comes after a period was published"),
        max_length=10,
        choices=LateFacts.choices,
        default=LateFacts.SUPPLEMENT,
    )

    class Meta:
        verbose_name = _("settings of evaluation")
        verbose_name_plural = _("settings of evaluation")
        ordering = ["-valid_from"]

    def __str__(self) -> str:
        return str(self.valid_from)


class FactCheck(models.Model):
    """What came of a look at the facts: made again from the events, do they differ?"""

    checked_at = models.DateTimeField(_("checked at"))
    case_count = models.PositiveIntegerField(_("cases looked at"))
    difference_count = models.PositiveIntegerField(_("facts that differ"))
    differences = models.JSONField(_("differences"), default=list)

    class Meta:
        verbose_name = _("check of facts")
        verbose_name_plural = _("checks of facts")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{timezone.localdate(self.checked_at):%Y-%m-%d} · {self.difference_count}"
