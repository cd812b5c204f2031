"""Districts, streets and communities with their codes, and areas managed as one.

Standards: GB/T 2260 and GB/T 10114. Codes are rows of their own because they are reused and
renumbered.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.utils.translation import gettext_lazy as _

from accounts.models import City
from grid.models.validity import Validity, ValidityManager, ValidityQuerySet, validity_range

SRID = settings.GEO_STORAGE_SRID


class Area(Validity):
    """A district, street or community; the proxies below carry the field's names."""

    class Level(models.TextChoices):
        DISTRICT = "district", _("District")
        STREET = "street", _("Street")
        COMMUNITY = "community", _("Community")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    code = models.CharField(
        _("current code"),
        max_length=12,
        db_index=True,
        help_text=_("today's code of scheme GB; earlier ones stand in the list of codes"),
    )
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    geometry = models.MultiPolygonField(_("geometry"), srid=SRID)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("administrative area")
        verbose_name_plural = _("administrative areas")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class LevelManager(ValidityManager):
    """Areas of one level."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self.level = level

    def get_queryset(self) -> models.QuerySet:
        """Keep the areas of this level."""
        return super().get_queryset().filter(level=self.level)


class District(Area):
    """An area of level district (区)."""

    objects: ClassVar = LevelManager(Area.Level.DISTRICT)

    class Meta:
        proxy = True
        verbose_name = _("district")
        verbose_name_plural = _("districts")


class Street(Area):
    """An area of level street (街道, 镇)."""

    objects: ClassVar = LevelManager(Area.Level.STREET)

    class Meta:
        proxy = True
        verbose_name = _("street")
        verbose_name_plural = _("streets")


class Community(Area):
    """An area of level community (社区, 村)."""

    objects: ClassVar = LevelManager(Area.Level.COMMUNITY)

    class Meta:
        proxy = True
        verbose_name = _("community")
        verbose_name_plural = _("communities")


class AreaCode(Validity):
    """A code an area bears in a scheme for a time; one code means one area on any day."""

    scheme = models.CharField(_("scheme"), max_length=20, default="GB")
    code = models.CharField(_("code"), max_length=20)
    area = models.ForeignKey(Area, models.CASCADE, related_name="codes", verbose_name=_("area"))

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("area code")
        verbose_name_plural = _("area codes")
        constraints: ClassVar = [
            ExclusionConstraint(
                name="area_code_means_one_area",
                expressions=[
                    ("scheme", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    (validity_range(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scheme} {self.code}"


class ManagementArea(Validity):
    """An area managed as one that is no district, such as a scenic area; lies over districts."""

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    geometry = models.MultiPolygonField(_("geometry"), srid=SRID)

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("management area")
        verbose_name_plural = _("management areas")

    def __str__(self) -> str:
        return self.name
