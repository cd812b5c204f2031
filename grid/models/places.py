"""The gazetteer (GB/T 30428.3) and what the base map is drawn from."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.gis.db.models.functions import Transform
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from grid.models.areas import SRID
from grid.models.validity import Validity, ValidityQuerySet


class BaseFeature(models.Model):
    """One feature of the offline base map, drawn as vector tiles."""

    layer = models.CharField(max_length=12, db_index=True)
    kind = models.CharField(max_length=24)
    name = models.CharField(max_length=80, blank=True)
    min_zoom = models.PositiveSmallIntegerField(default=0)
    geometry = models.GeometryField(srid=settings.GEO_TILE_SRID)


class SearchableName(models.Model):
    """A name with the forms in which it is searched (``grid.geocoding.naming``)."""

    name = models.CharField(_("name"), max_length=120)
    folded = models.CharField(max_length=120, editable=False, default="")
    pinyin = models.CharField(_("pinyin"), max_length=400, editable=False, default="")
    initials = models.CharField(_("initials"), max_length=120, editable=False, default="")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


def _name_indexes(table: str) -> list[models.Index]:
    """Return the indexes by which a name is found: its beginning, its sound, what it is like."""
    begins = [
        models.Index(fields=[form], opclasses=["varchar_pattern_ops"], name=f"{table}_{form}")
        for form in ("folded", "pinyin", "initials")
    ]
    alike = [
        GinIndex(fields=[form], opclasses=["gin_trgm_ops"], name=f"{table}_like_{form}")
        for form in ("folded", "pinyin")
    ]
    return [*begins, *alike]


class Place(SearchableName, Validity):
    """A named place of the gazetteer (GB/T 30428.3): road, crossing, compound, stop, door."""

    class Kind(models.TextChoices):
        JUNCTION = "junction", _("Crossing")
        ROAD = "road", _("Road")
        AREA = "area", _("Compound or park")
        BUILDING = "building", _("Building")
        STOP = "stop", _("Stop")
        DOOR = "door", _("House number")
        POI = "poi", _("Point of interest")

    class Source(models.TextChoices):
        PACK = "pack", _("City pack")
        CITY = "city", _("Edited here")

    key = models.CharField(
        _("key"),
        max_length=160,
        unique=True,
        help_text=_("never changes; by it a file of the gazetteer finds its row again"),
    )
    kind = models.CharField(_("kind"), max_length=24, choices=Kind.choices)
    name_en = models.CharField(_("English name"), max_length=240, blank=True)
    point = models.PointField(_("point"), srid=SRID)
    geometry = models.GeometryField(
        _("line or outline"), srid=SRID, null=True, blank=True, spatial_index=False
    )
    # In metres, so that walking the index outwards is walking away from the place.
    shape = models.GeneratedField(
        expression=Transform(
            Coalesce("geometry", "point", output_field=models.GeometryField(srid=SRID)),
            settings.GEO_METRIC_SRID,
        ),
        output_field=models.GeometryField(srid=settings.GEO_METRIC_SRID, spatial_index=False),
        db_persist=True,
    )
    source = models.CharField(
        _("source"), max_length=4, choices=Source.choices, default=Source.CITY, editable=False
    )

    objects = ValidityQuerySet.as_manager()

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        indexes: ClassVar = [
            *_name_indexes("place"),
            GistIndex(fields=["shape"], name="place_near_road", condition=Q(kind="road")),
            GistIndex(fields=["shape"], name="place_near_crossing", condition=Q(kind="junction")),
            GistIndex(
                fields=["shape"],
                name="place_near_named",
                condition=~Q(kind__in=["road", "junction"]),
            ),
        ]


class PlaceAlias(SearchableName):
    """Another name of a place: an earlier one, one in English, as people say it."""

    place = models.ForeignKey(
        Place, models.CASCADE, related_name="aliases", verbose_name=_("place")
    )

    class Meta:
        verbose_name = _("alias of a place")
        verbose_name_plural = _("aliases of places")
        indexes: ClassVar = _name_indexes("placealias")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["place", "name"], name="place_alias_once"),
        ]
