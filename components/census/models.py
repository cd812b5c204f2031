"""What a survey leaves in the database: the file's lines, what they mean, what differs.

Lines, rows, words and findings are staging: millions of them, written in sets and forgotten some
months after the survey ended (``staging.py``). Their keys to other tables are not constraints: they
come from joins with those tables, and checking each of a million rows again would cost more than
finding them.
"""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.fields import ArrayField
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, Organisation, User
from components.census.workflow import (
    CLAIMING,
    Coverage,
    Datum,
    FindingKind,
    PartState,
    SurveyState,
)
from grid.models import Area

SRID = settings.GEO_STORAGE_SRID


class MappingProfile(models.Model):
    """How files of one layout are read: which column means what; saved by name."""

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    name = models.CharField(_("name"), max_length=80)
    mapping = models.JSONField(
        _("mapping"),
        default=dict,
        help_text=_("columns, constants, values and attributes; see docs/rules/census.md"),
    )
    datum = models.CharField(_("datum"), max_length=10, choices=Datum, default=Datum.FILE)
    crs = models.CharField(_("coordinate system"), max_length=500, blank=True)
    source = models.CharField(_("source"), max_length=60, blank=True)
    changed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("changed by")
    )
    changed_at = models.DateTimeField(_("changed at"))

    class Meta:
        verbose_name = _("mapping profile")
        verbose_name_plural = _("mapping profiles")
        ordering = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "name"], name="mapping_profile_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Survey(models.Model):
    """One file of surveyed components on its way into the register."""

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    state = models.CharField(
        _("state"), max_length=10, choices=SurveyState, default=SurveyState.UPLOADED
    )
    name = models.CharField(_("file"), max_length=200)
    path = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField(_("size in bytes"))
    kind = models.CharField(_("kind of file"), max_length=10)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=1, blank=True)
    headers = ArrayField(models.TextField(), verbose_name=_("columns"), default=list)
    has_shapes = models.BooleanField(_("has shapes"), default=False)
    file_crs = models.TextField(_("coordinate system of the file"), blank=True)
    remarks = models.JSONField(_("remarks"), default=list, blank=True)
    datum = models.CharField(_("datum"), max_length=10, choices=Datum, default=Datum.FILE)
    crs = models.CharField(_("coordinate system"), max_length=500, blank=True)
    mapping = models.JSONField(_("mapping"), default=dict)
    source = models.CharField(_("source"), max_length=60, blank=True)
    surveyed_date = models.DateField(_("surveyed on"), null=True, blank=True)
    communities = ArrayField(
        models.BigIntegerField(), verbose_name=_("communities"), default=list, blank=True
    )
    surveyed_communities = ArrayField(models.BigIntegerField(), default=list, blank=True)
    coverage = models.CharField(
        _("the file holds"), max_length=5, choices=Coverage, default=Coverage.WHOLE
    )
    is_near_allowed = models.BooleanField(
        _("things of a type nearer to each other than their accuracy are two things"),
        default=False,
    )
    line_count = models.IntegerField(_("rows"), default=0)
    bad_count = models.IntegerField(_("rows with errors"), default=0)
    same_count = models.IntegerField(_("rows as in the register"), default=0)
    position = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    register_mark = models.BigIntegerField(default=0)
    history_mark = models.BigIntegerField(default=0)
    fault_count = models.IntegerField(default=0)
    compared_at = models.DateTimeField(_("compared at"), null=True, blank=True)
    error = models.TextField(_("why it was refused"), blank=True)
    uploaded_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"))
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    worked_at = models.DateTimeField(_("last step at"), null=True, blank=True)
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True)
    confirm_by_date = models.DateField(_("to be confirmed by"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ended by")
    )
    rows_removed_at = models.DateTimeField(
        _("rows without errors removed at"), null=True, blank=True, editable=False
    )

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        ordering = ["-pk"]
        permissions: ClassVar = [
            ("import_surveys", "May bring surveys of components"),
            ("review_surveys", "May approve surveys of components"),
            ("confirm_surveys", "May confirm a body's surveyed components"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


class SurveyLine(models.Model):
    """A line as it stands in the file: its texts, its shape in WGS-84, what is wrong with it."""

    pk = models.CompositePrimaryKey("survey_id", "line")
    survey = models.ForeignKey(
        Survey, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    line = models.IntegerField()
    values = models.TextField()  # joined by U+001F
    shape = models.BinaryField(null=True)
    problems = models.TextField(default="", blank=True)


class SurveyWord(models.Model):
    """What a text of a column means: a type, a body, a state, a date, attributes; or nothing."""

    survey = models.ForeignKey(
        Survey, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    field = models.CharField(max_length=20)
    text = models.TextField()
    ref = models.BigIntegerField(null=True)
    code = models.CharField(max_length=12, default="", blank=True)
    day = models.DateField(null=True)
    data = models.JSONField(null=True)
    problem = models.TextField(default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["survey", "field", "text"], name="survey_word_once"),
        ]


class SurveyRow(models.Model):
    """A line understood: what would stand in the register, and why it may not."""

    pk = models.CompositePrimaryKey("survey_id", "line")
    survey = models.ForeignKey(
        Survey, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    line = models.IntegerField()
    component_id = models.BigIntegerField(null=True)
    type_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=16, default="", blank=True)
    key = models.TextField(default="", blank=True)
    name = models.TextField(default="", blank=True)
    competent_body_id = models.BigIntegerField(null=True)
    owner_id = models.BigIntegerField(null=True)
    maintainer_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, default="", blank=True)
    geometry = models.GeometryField(srid=SRID, spatial_index=False, null=True)
    point = models.PointField(srid=SRID, spatial_index=False, null=True)
    cell_id = models.BigIntegerField(null=True)
    community_id = models.BigIntegerField(null=True)
    address = models.TextField(default="", blank=True)
    accuracy = models.CharField(max_length=1, default="", blank=True)
    surveyed_date = models.DateField(null=True)
    installed_date = models.DateField(null=True)
    attributes = models.JSONField(null=True)
    problems = ArrayField(models.TextField(), default=list)
    doubts = ArrayField(models.TextField(), default=list)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["survey", "type_id"], name="survey_row_type"),
            models.Index(
                fields=["survey", "line"], name="survey_row_bad", condition=~Q(problems=[])
            ),
        ]


class SurveyFinding(models.Model):
    """One difference between a survey and the register, accepted or refused.

    ``component_id`` of something new is the key it will have: drawn when it is found, so that
    publishing need not write it back.
    """

    survey = models.ForeignKey(
        Survey, models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    community_id = models.BigIntegerField()
    kind = models.CharField(_("kind"), max_length=7, choices=FindingKind)
    type_id = models.BigIntegerField()
    line = models.IntegerField(null=True)
    component_id = models.BigIntegerField(db_index=True)
    fields = ArrayField(models.TextField(), default=list)
    moved_m = models.FloatField(null=True)
    is_accepted = models.BooleanField(_("accepted"), default=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["survey", "community_id", "kind"], name="survey_finding_part"),
        ]


class SurveyPart(models.Model):
    """What a survey found in one community: the unit that is approved, published, rolled back."""

    survey = models.ForeignKey(
        Survey, models.CASCADE, related_name="parts", verbose_name=_("survey")
    )
    community = models.ForeignKey(
        Area, models.PROTECT, related_name="+", verbose_name=_("community")
    )
    state = models.CharField(
        _("state"), max_length=11, choices=PartState, default=PartState.WAITING
    )
    new_count = models.IntegerField(_("new"), default=0)
    gone_count = models.IntegerField(_("gone"), default=0)
    moved_count = models.IntegerField(_("moved"), default=0)
    changed_count = models.IntegerField(_("changed"), default=0)
    claimed_at = models.DateTimeField(_("under review since"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_count = models.IntegerField(_("changes published"), default=0)
    context_id = models.UUIDField(null=True, blank=True)
    history_mark = models.BigIntegerField(default=0)
    undone_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("rolled back by"),
    )
    undone_at = models.DateTimeField(_("rolled back at"), null=True, blank=True)
    undo_reason = models.TextField(_("why it was rolled back"), blank=True)
    error = models.TextField(_("what stood in the way"), blank=True)

    class Meta:
        verbose_name = _("part of a survey")
        verbose_name_plural = _("parts of surveys")
        ordering = ["community__code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["survey", "community"], name="survey_part_once"),
            models.UniqueConstraint(
                fields=["community"],
                condition=Q(state__in=[state.value for state in CLAIMING]),
                name="community_under_one_review",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id} {self.community_id}"


class SurveyConfirmation(models.Model):
    """A body's word on what a survey says is its own; silence until the date is a word too."""

    class Answer(models.TextChoices):
        OPEN = "open", pgettext_lazy("census", "To confirm")
        CONFIRMED = "confirmed", _("Confirmed")
        OBJECTED = "objected", _("Confirmed except objections")
        SILENT = "silent", _("Silent until the date")

    survey = models.ForeignKey(
        Survey, models.CASCADE, related_name="confirmations", verbose_name=_("survey")
    )
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("body")
    )
    row_count = models.IntegerField(_("rows"))
    answer = models.CharField(_("answer"), max_length=9, choices=Answer, default=Answer.OPEN)
    answered_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("answered by")
    )
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("confirmation by a body")
        verbose_name_plural = _("confirmations by bodies")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["survey", "organisation"], name="one_word_a_body"),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id} {self.organisation_id}"


class SurveyObjection(models.Model):
    """A body says of one row that it is not its own, or not like that."""

    confirmation = models.ForeignKey(
        SurveyConfirmation, models.CASCADE, related_name="objections", verbose_name=_("by")
    )
    line = models.IntegerField(_("row"))
    reason = models.TextField(_("reason"))

    class Meta:
        verbose_name = _("objection of a body")
        verbose_name_plural = _("objections of bodies")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["confirmation", "line"], name="one_objection_a_row"),
        ]

    def __str__(self) -> str:
        return f"{self.confirmation_id} {self.line}"


class SourceKey(models.Model):
    """The key a component bears where it was surveyed, by which the next survey knows it again."""

    component = models.ForeignKey(
        "components.Component", models.CASCADE, related_name="source_keys", db_constraint=False
    )
    source = models.CharField(max_length=60)
    key = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "key"], name="source_key_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.key}"


class WithdrawnCode(models.Model):
    """An identification code given by a publication that was rolled back: never given again."""

    code = models.CharField(max_length=16, unique=True)
    survey = models.ForeignKey(Survey, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.code
