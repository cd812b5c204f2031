"""Unit grid cells (CJ/T 213), the zones and beats made of them, and who answers where."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from grid.models.areas import SRID, Area, ManagementArea
from grid.models.validity import Validity, ValidityQuerySet, validity_range


class GridCell(Validity):
    """A unit grid cell of about 10,000 m²; closed with an end date, never overwritten."""

    class Kind(models.TextChoices):
        BUILT = "built", _("Built-up")
        WATER = "water", _("Water")
        HILL = "hill", _("Hill")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    code = models.CharField(_("code"), max_length=16)
    community = models.ForeignKey(
        Area, models.PROTECT, related_name="cells", verbose_name=_("community")
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices, default=Kind.BUILT)
    geometry = models.PolygonField(_("geometry"), srid=SRID)
    area_m2 = models.FloatField(_("area in m²"))

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit grid cell")
        verbose_name_plural = _("unit grid cells")
        constraints: ClassVar = [
            ExclusionConstraint(
                name="cell_code_never_twice_at_once",
                expressions=[
                    ("code", RangeOperators.EQUAL),
                    (validity_range(), RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=Q(area_m2__gt=0), name="cell_has_an_area"),
        ]

    def __str__(self) -> str:
        return self.code


class Zone(Validity):
    """A key, control or ordinary zone: sets the patrol interval and the grade of time limits."""

    class Grade(models.TextChoices):
        KEY = "key", _("Key zone")
        CONTROL = "control", _("Control zone")
        ORDINARY = "ordinary", _("Ordinary zone")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    grade = models.CharField(_("grade"), max_length=8, choices=Grade.choices)
    cells = models.ManyToManyField(
        GridCell, blank=True, related_name="zones", verbose_name=_("cells")
    )
    geometry = models.MultiPolygonField(
        _("geometry"), srid=SRID, help_text=_("drawn, or the union of the cells where it has some")
    )

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("zone")
        verbose_name_plural = _("zones")

    def __str__(self) -> str:
        return self.name


class Beat(Validity):
    """A patrol beat (责任网格): the cells one collector walks in a shift."""

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    cells = models.ManyToManyField(GridCell, related_name="beats", verbose_name=_("cells"))

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("patrol beat")
        verbose_name_plural = _("patrol beats")

    def __str__(self) -> str:
        return self.name


class BeatAssignment(Validity):
    """A collector who walks a beat for a time; a beat may have several."""

    beat = models.ForeignKey(
        Beat, models.CASCADE, related_name="assignments", verbose_name=_("beat")
    )
    collector = models.ForeignKey(
        User, models.CASCADE, related_name="beat_assignments", verbose_name=_("collector")
    )

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("beat assignment")
        verbose_name_plural = _("beat assignments")


class Jurisdiction(Validity):
    """Which organisation answers where, for what function: the one tie between the two trees."""

    class Function(models.TextChoices):
        DISPATCH = "dispatch", _("Dispatch desk")
        HANDLING = "handling", _("Handling")
        COLLECTION = "collection", _("Collection")

    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        related_name="jurisdictions",
        verbose_name=_("organisation"),
    )
    function = models.CharField(_("function"), max_length=12, choices=Function.choices)
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, verbose_name=_("administrative area")
    )
    management_area = models.ForeignKey(
        ManagementArea, models.PROTECT, null=True, blank=True, verbose_name=_("management area")
    )
    cells = models.ManyToManyField(GridCell, blank=True, verbose_name=_("cells"))

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("jurisdiction")
        verbose_name_plural = _("jurisdictions")
