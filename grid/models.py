"""Where: administrative areas, unit grid cells, zones, beats, and who answers where.

Standards: GB/T 2260 and GB/T 10114 (codes of areas), CJ/T 213 (unit grid). Areas and cells are
versioned by validity dates and never overwritten; codes are rows of their own because they are
reused and renumbered. Geometry is stored in ``settings.GEO_STORAGE_SRID``; lengths and areas are
metric, computed in ``settings.GEO_METRIC_SRID``.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.gis.db.models.functions import Transform
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User

SRID = settings.GEO_STORAGE_SRID


def _validity() -> Func:
    """Return the half-open date range [valid_from, valid_to) of a row, for constraints."""
    return Func(
        F("valid_from"), F("valid_to"), function="daterange", output_field=models.DateField()
    )


class Validity(models.Model):
    """Dates between which a row holds: [valid_from, valid_to)."""

    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        abstract = True


class ValidityQuerySet(models.QuerySet):
    """Rows by the day on which they hold."""

    def valid_on(self, day: date) -> Self:
        """Keep the rows that hold on ``day``."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)


ValidityManager = models.Manager.from_queryset(ValidityQuerySet)


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
                    (_validity(), RangeOperators.OVERLAPS),
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
                    (_validity(), RangeOperators.OVERLAPS),
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


class Reorganisation(models.Model):
    """A plan by which codes, names and borders of areas change on a day; applied and undone as one.

    ``journal`` names the rows that applying made and ended, so that undoing takes back these alone.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Planned")
        APPLIED = "applied", _("In force")
        UNDONE = "undone", _("Undone")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    name = models.CharField(_("name"), max_length=120)
    effective_date = models.DateField(_("takes effect on"))
    state = models.CharField(
        _("state"), max_length=8, choices=State.choices, default=State.DRAFT, editable=False
    )
    applied_at = models.DateTimeField(_("applied at"), null=True, editable=False)
    journal = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name = _("reorganisation")
        verbose_name_plural = _("reorganisations")
        ordering = ["-effective_date", "-pk"]

    def __str__(self) -> str:
        return self.name


class ReorganisationLine(models.Model):
    """One tie of a plan: an old code and the code that comes after it; either may be open.

    Without ``new_code`` the successor is to be decided; without ``old_code`` an area is founded.
    """

    reorganisation = models.ForeignKey(
        Reorganisation, models.CASCADE, related_name="lines", verbose_name=_("reorganisation")
    )
    number = models.PositiveIntegerField(_("line of the file"))
    old_code = models.CharField(_("old code"), max_length=12, blank=True, db_index=True)
    old_name = models.CharField(_("old name"), max_length=60, blank=True)
    new_code = models.CharField(_("new code"), max_length=12, blank=True, db_index=True)
    name = models.CharField(_("new name"), max_length=60, blank=True)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    parent = models.CharField(_("code of the parent"), max_length=12, blank=True)
    cells = models.TextField(_("cells"), blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("line of a reorganisation")
        verbose_name_plural = _("lines of a reorganisation")
        ordering = ["number", "pk"]

    def __str__(self) -> str:
        return f"{self.old_code or '–'} → {self.new_code or '?'}"

    @property
    def is_open(self) -> bool:
        """Tell whether somebody has to decide: no successor yet, or no ground yet."""
        return not self.new_code or not (self.old_code or self.cells)


class ReorganisationStep(models.Model):
    """What was done with a reorganisation, by whom; rows are only ever added."""

    class Kind(models.TextChoices):
        READ = "read", _("Plan read")
        DECIDED = "decided", _("Successor decided")
        APPLIED = "applied", _("Applied")
        UNDONE = "undone", _("Undone")

    reorganisation = models.ForeignKey(
        Reorganisation, models.CASCADE, related_name="steps", verbose_name=_("reorganisation")
    )
    kind = models.CharField(_("what was done"), max_length=8, choices=Kind.choices)
    at = models.DateTimeField(_("at"))
    actor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("note"), max_length=400, blank=True)
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"


class PastArea(models.Model):
    """What an area was called and where it belonged until a day; its outline where that changed.

    The area's own row says what holds now; an area that never changed has no past.
    """

    area = models.ForeignKey(Area, models.CASCADE, related_name="past")
    code = models.CharField(max_length=12)
    name = models.CharField(max_length=60)
    name_en = models.CharField(max_length=100, blank=True)
    parent = models.ForeignKey(Area, models.PROTECT, null=True, related_name="+")
    geometry = models.MultiPolygonField(srid=SRID, null=True, spatial_index=False)
    valid_from = models.DateField()
    valid_to = models.DateField()
    reorganisation = models.ForeignKey(Reorganisation, models.PROTECT, related_name="past_areas")

    objects = ValidityQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            ExclusionConstraint(
                name="area_has_one_past_at_a_time",
                expressions=[
                    ("area", RangeOperators.EQUAL),
                    (_validity(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AreaSuccession(models.Model):
    """An area that ended or lost ground, and one that stands there today, whatever lay between."""

    predecessor = models.ForeignKey(Area, models.CASCADE, related_name="successors")
    successor = models.ForeignKey(Area, models.CASCADE, related_name="predecessors")
    reorganisation = models.ForeignKey(Reorganisation, models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["predecessor", "successor"], name="area_succession_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor_id} → {self.successor_id}"


class CellSuccession(models.Model):
    """A cell and the one that stands on the same ground under another code."""

    closed = models.ForeignKey(GridCell, models.PROTECT, related_name="+")
    opened = models.ForeignKey(GridCell, models.PROTECT, related_name="+")
    reorganisation = models.ForeignKey(
        Reorganisation, models.PROTECT, related_name="cell_successions"
    )

    def __str__(self) -> str:
        return f"{self.closed_id} → {self.opened_id}"
