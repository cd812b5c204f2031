"""What: the catalogue of component and event types with their standards, and the register.

Standards: CJ/T 214 and GB/T 30428.2 (types), CJ/T 215 (register). A type's code in the city's own
scheme is ``C0103`` (component) or ``E0102`` (event): 0103 alone is ambiguous. Standards are
versioned by validity: a case filed under an old one keeps it.
"""

from __future__ import annotations

from typing import ClassVar, Self

import pghistory
from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.gis.db.models.functions import Transform
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db.models import F, Func, Q
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from accounts.roles import Role
from common.durations import limit_text
from grid.models import SRID, Area, GridCell, Validity, ValidityQuerySet, Zone


def _dimension(column: str) -> Func:
    """Return 0 for points, 1 for lines, 2 for areas."""
    return Func(F(column), function="ST_Dimension", output_field=models.IntegerField())


def _validity() -> Func:
    """Return the half-open date range [valid_from, valid_to) of a row, for constraints."""
    return Func(
        F("valid_from"), F("valid_to"), function="daterange", output_field=models.DateField()
    )


class TypeKind(models.TextChoices):
    """Components are things that stand there; events are what people or nature do."""

    COMPONENT = "component", _("Component")
    EVENT = "event", _("Event")


class TypeClass(models.Model):
    """A class (大类) of components or events."""

    kind = models.CharField(_("kind"), max_length=10, choices=TypeKind.choices)
    code = models.CharField(_("code"), max_length=2)
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=80)

    class Meta:
        verbose_name = _("class of types")
        verbose_name_plural = _("classes of types")
        ordering = ["kind", "code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "code"], name="class_code_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class CaseTypeQuerySet(ValidityQuerySet):
    """Types by code."""

    def in_order(self) -> CaseTypeQuerySet:
        """Components first, then events, each by code."""
        return self.order_by("code")


class CaseType(Validity):
    """A type (小类): what a case is about. ``C`` rows are components, ``E`` rows events."""

    kind = models.CharField(_("kind"), max_length=10, choices=TypeKind.choices)
    type_class = models.ForeignKey(
        TypeClass, models.PROTECT, related_name="types", verbose_name=_("class")
    )
    code = models.CharField(_("code"), max_length=5, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=120)
    pinyin = models.CharField(_("pinyin"), max_length=160, blank=True)
    initials = models.CharField(_("initials"), max_length=40, blank=True)
    is_extension = models.BooleanField(_("extension of the national list"), default=False)
    lead_department_kind = models.CharField(_("kind of lead department"), max_length=40)
    lead_department_text = models.CharField(_("lead department"), max_length=80, blank=True)
    is_self_handling_allowed = models.BooleanField(
        _("collector may handle it on the spot"), default=False
    )
    is_check_skippable = models.BooleanField(_("check on site may be skipped"), default=False)
    direct_filing_sources = models.JSONField(
        _("sources filed directly"),
        default=list,
        blank=True,
        help_text=_("sources whose reports an acceptor may file without the shift supervisor"),
    )
    attribute_schema = models.JSONField(_("schema of attributes"), default=dict, blank=True)
    geometry_kinds = models.JSONField(_("geometry allowed"), default=list, blank=True)

    objects = CaseTypeQuerySet.as_manager()

    class Meta:
        verbose_name = _("type")
        verbose_name_plural = _("types")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class TypeCode(Validity):
    """A code a type bears in a scheme (city, CJ/T 214, GB/T 30428.2) for a time."""

    type = models.ForeignKey(CaseType, models.CASCADE, related_name="codes", verbose_name=_("type"))
    scheme = models.CharField(_("scheme"), max_length=20)
    code = models.CharField(_("code"), max_length=20)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("type code")
        verbose_name_plural = _("type codes")
        constraints: ClassVar = [
            ExclusionConstraint(
                name="type_code_means_one_type",
                expressions=[
                    ("scheme", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    (_validity(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme} {self.code}"


class TypeAlias(models.Model):
    """Another name of a type, as older lists or people say it."""

    type = models.ForeignKey(
        CaseType, models.CASCADE, related_name="aliases", verbose_name=_("type")
    )
    name = models.CharField(_("name"), max_length=60)
    pinyin = models.CharField(_("pinyin"), max_length=160, blank=True)
    initials = models.CharField(_("initials"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("alias of a type")
        verbose_name_plural = _("aliases of types")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["type", "name"], name="alias_once_a_type"),
        ]

    def __str__(self) -> str:
        return self.name


class Profile(models.TextChoices):
    """How urgent the handling is meant to be."""

    GENERAL = "general", _("General")
    ENGINEERING = "engineering", _("Engineering")
    EMERGENCY = "emergency", _("Emergency")


class LimitUnit(models.TextChoices):
    """Units of time limits; what they mean stands in docs/rules/time_limits.md."""

    MINUTE = "minute", _("working minute")
    WORKING_HOUR = "working_hour", _("working hour")
    WORKING_DAY = "working_day", _("working day")
    HOUR = "hour", _("hour")
    DAY = "day", _("day")
    EMERGENCY_HOUR = "emergency_hour", _("hour, round the clock")


class CaseStandard(Validity):
    """When to file, how long handling may take, what closes it: type × zone grade × profile."""

    type = models.ForeignKey(
        CaseType, models.PROTECT, related_name="standards", verbose_name=_("type")
    )
    zone_grade = models.CharField(
        _("zone grade"),
        max_length=8,
        choices=Zone.Grade.choices,
        blank=True,
        help_text=_("empty: applies in every zone"),
    )
    profile = models.CharField(
        _("profile"), max_length=12, choices=Profile.choices, default=Profile.GENERAL
    )
    condition = models.TextField(_("filing condition"))
    condition_en = models.TextField(_("filing condition in English"), blank=True)
    limit_value = models.DecimalField(_("limit"), max_digits=12, decimal_places=2)
    limit_unit = models.CharField(_("unit"), max_length=16, choices=LimitUnit.choices)
    closing_condition = models.TextField(
        _("closing condition"), help_text=_("one condition a line; each is answered on completion")
    )
    closing_condition_en = models.TextField(_("closing condition in English"), blank=True)
    lead_department_kind = models.CharField(_("kind of lead department"), max_length=40, blank=True)
    source = models.CharField(_("source"), max_length=200, blank=True)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("case standard")
        verbose_name_plural = _("case standards")
        ordering = ["type", "profile", "zone_grade"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(limit_value__gt=0), name="limit_is_positive"),
            ExclusionConstraint(
                name="one_standard_at_a_time",
                expressions=[
                    ("type", RangeOperators.EQUAL),
                    ("zone_grade", RangeOperators.EQUAL),
                    ("profile", RangeOperators.EQUAL),
                    (Func(F("condition"), function="md5"), RangeOperators.EQUAL),
                    (_validity(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        limit = limit_text(self.limit_value, self.limit_unit)
        return f"{self.type} · {self.get_profile_display()} · {limit}"

    @property
    def closing_conditions(self) -> list[str]:
        """The closing conditions, one string each, never empty."""
        return _lines(self.closing_condition)

    @property
    def closing_conditions_en(self) -> list[str]:
        """The same in English, as many; empty where nobody translated them."""
        lines = _lines(self.closing_condition_en)
        return lines if len(lines) == len(self.closing_conditions) else []


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def sees_whole_register(user: User) -> bool:
    """Tell whether a person sees every component of their city, as every post here does."""
    roles = user.roles if user.is_active else frozenset()
    return user.city_id is not None and bool(roles - {Role.SHARING_PARTNER})


class ComponentQuerySet(models.QuerySet):
    """Which components a person may see: the one policy for lists, pages, tiles, exports."""

    def visible_to(self, user: User) -> Self:
        """Keep the components this person may see; what is left out does not exist for them.

        Every post of the centre, of its desks, departments and contractors sees the whole city:
        who reports, hands out or handles must be able to tell one thing from its neighbour. A
        sharing partner, who works elsewhere, sees what their organisation or one below it answers
        for. Without a post nobody sees anything. The same in SQL: docs/rules/register.md.
        """
        roles = user.roles if user.is_active else frozenset()
        if not roles or user.city_id is None:
            return self.none()
        city = self.filter(city_id=user.city_id)
        if sees_whole_register(user):
            return city
        if user.organisation is None:
            return self.none()
        below = Organisation.objects.filter(path__startswith=user.organisation.path).values("pk")
        return city.filter(
            Q(competent_body__in=below) | Q(owner__in=below) | Q(maintainer__in=below)
        )


# A change keeps the row as it was before: nothing is stored twice while a register is filled.
@pghistory.track(
    pghistory.UpdateEvent("before_update", row=pghistory.Old),
    pghistory.DeleteEvent("before_delete", row=pghistory.Old),
    exclude=["tile_point"],
)
class Component(models.Model):
    """A thing of the register with its 16-digit identification code, which is never reused."""

    class State(models.TextChoices):
        INTACT = "intact", _("Intact")
        DAMAGED = "damaged", _("Damaged")
        LOST = "lost", _("Lost")
        ABANDONED = "abandoned", _("Abandoned")

    class Ending(models.TextChoices):
        """Why a component is in the register no longer."""

        RETIRED = "retired", _("Retired")
        REPLACED = "replaced", _("Replaced")
        MERGED = "merged", _("Merged: entered twice")

    class Accuracy(models.TextChoices):
        A = "A", _("A: ±0.5 m")
        B = "B", _("B: ±1 m")
        C = "C", _("C: ±10 m")

    city = models.ForeignKey(City, models.PROTECT, db_index=False, verbose_name=_("city"))
    code = models.CharField(_("identification code"), max_length=16, db_collation="C")
    type = models.ForeignKey(
        CaseType,
        models.PROTECT,
        db_index=False,  # the indexes of Meta begin with these keys
        related_name="components",
        verbose_name=_("type"),
    )
    name = models.CharField(_("name"), max_length=80, blank=True)
    competent_body = models.ForeignKey(
        Organisation,
        models.PROTECT,
        db_index=False,
        related_name="+",
        verbose_name=_("competent body"),
    )
    owner = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("owner"),
    )
    maintainer = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("maintainer"),
    )
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.INTACT)
    geometry = models.GeometryField(_("geometry"), srid=SRID, spatial_index=False)
    point = models.PointField(_("point"), srid=SRID, spatial_index=False)
    tile_point = models.GeneratedField(
        expression=Transform("point", settings.GEO_TILE_SRID),
        output_field=models.PointField(srid=settings.GEO_TILE_SRID, spatial_index=False),
        db_persist=True,
        verbose_name=_("point on the tiles"),
    )
    cell = models.ForeignKey(
        GridCell, models.PROTECT, related_name="components", verbose_name=_("cell")
    )
    community = models.ForeignKey(
        Area, models.PROTECT, db_index=False, related_name="+", verbose_name=_("community")
    )
    address = models.CharField(_("address"), max_length=200, blank=True)
    accuracy = models.CharField(
        _("positional accuracy"), max_length=1, choices=Accuracy.choices, default=Accuracy.B
    )
    source = models.CharField(_("source"), max_length=60, blank=True)
    surveyed_date = models.DateField(_("surveyed on"), null=True, blank=True)
    installed_date = models.DateField(_("installed on"), null=True, blank=True)
    retired_date = models.DateField(_("retired on"), null=True, blank=True)
    ending = models.CharField(
        _("why it ended"),
        max_length=8,
        choices=Ending.choices,
        blank=True,
        default="",
        db_default="",
    )
    successor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="predecessors",
        verbose_name=_("stands there now"),
    )
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)

    objects = ComponentQuerySet.as_manager()

    class Meta:
        verbose_name = _("component")
        verbose_name_plural = _("components")
        indexes: ClassVar = [
            # The orders of the ledger; many rows share a pair, so these are a tenth of the table's.
            models.Index(fields=["type", "community"], name="component_type_area"),
            models.Index(fields=["community", "type"], name="component_area_type"),
            models.Index(fields=["competent_body", "community"], name="component_competent"),
            models.Index(fields=["owner", "community"], name="component_owner"),
            models.Index(fields=["maintainer", "community"], name="component_maintainer"),
            # What is rare, in the order of the ledger: hardly a row while a register is filled.
            models.Index(
                fields=["community", "type"],
                name="component_not_intact",
                condition=Q(state__in=["damaged", "lost", "abandoned"]),
            ),
            models.Index(
                fields=["community", "type"],
                name="component_ended",
                condition=Q(retired_date__isnull=False),
            ),
            models.Index(fields=["surveyed_date", "community"], name="component_surveyed"),
            GistIndex(fields=["type", "tile_point"], name="component_near"),
            GistIndex(fields=["tile_point"], name="component_tile"),
            # Lines and areas reach beyond the tile their point is in; points do not.
            GistIndex(
                F("geometry"),
                name="component_shape",
                condition=Q(GreaterThan(_dimension("geometry"), 0)),
            ),
            models.Index(
                fields=["successor"],
                name="component_successor",
                condition=Q(successor__isnull=False),
            ),
        ]
        constraints: ClassVar = [
            # Of collation C: one index for whole codes and for their beginnings.
            models.UniqueConstraint(fields=["code"], name="component_code_unique"),
            models.CheckConstraint(
                condition=Q(ending="", retired_date__isnull=True)
                | Q(~Q(ending=""), retired_date__isnull=False),
                name="component_ends_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class CodeCounter(models.Model):
    """Last sequence given in a district and type; codes are never reused."""

    prefix = models.CharField(max_length=10, unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.prefix} {self.last}"


# The census has models of its own; they name the register's by their labels.
from components.census.models import (  # noqa: E402, F401
    MappingProfile,
    SourceKey,
    Survey,
    SurveyConfirmation,
    SurveyFinding,
    SurveyLine,
    SurveyObjection,
    SurveyPart,
    SurveyRow,
    SurveyWord,
    WithdrawnCode,
)
from components.documents.models import Document  # noqa: E402, F401
from components.plates.models import Plate, PlatePrint  # noqa: E402, F401
from components.register.models import BodyChange, ComponentChange, Export  # noqa: E402, F401
from components.tiling.models import ComponentCount, ComponentDelta  # noqa: E402, F401  Django looks here
