"""Exceptions and supervision as data: who agrees to what, how much is too much, what comes back.

A city edits chains, caps and rules in the admin; a request keeps the chain it was asked under, so
that no edit reaches one that is open (docs/rules/requests.md).
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from cases.models.case import Case, Urgency
from cases.models.work import SupervisionOrder
from cases.workflow import REQUEST_LABELS, RULE_OF, Post, RequestKind
from components.models import CaseType, Component, Profile, TypeClass
from grid.models import GridCell

KINDS = [(kind.value, label) for kind, label in REQUEST_LABELS.items()]
VALID = Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from"))


class DatedQuerySet(models.QuerySet):
    """Settings that hold from a day to before another."""

    def valid_on(self, on: date) -> DatedQuerySet:
        """Keep what holds on a day."""
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on), valid_from__lte=on)


class Dated(models.Model):
    """A setting of a city with its days, half-open."""

    city = models.ForeignKey(City, models.CASCADE, verbose_name=_("city"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(
        _("valid to"), null=True, blank=True, help_text=_("first day on which it no longer holds")
    )

    objects = DatedQuerySet.as_manager()

    class Meta:
        abstract = True


class ApprovalChain(Dated):
    """Who agrees to a request, post after post: the first row that fits is taken when it is asked.

    A condition left empty fits everything. The posts must be among those the workflow's table
    names for the kind.
    """

    kind = models.CharField(_("kind"), max_length=16, choices=KINDS)
    position = models.PositiveSmallIntegerField(
        _("position"), default=100, help_text=_("rows are tried from the smallest number on")
    )
    from_ordinal = models.PositiveSmallIntegerField(
        _("from the n-th request on"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("2: when one of this kind was granted before in this case"),
    )
    over_days = models.DecimalField(
        _("for more than (days)"),
        max_digits=7,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("working days of an extension; days until the review of a suspension"),
    )
    over_ratio = models.DecimalField(
        _("for more than (times the original limit)"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
    )
    urgency = models.CharField(_("urgency"), max_length=8, choices=Urgency.choices, blank=True)
    profile = models.CharField(_("profile"), max_length=12, choices=Profile.choices, blank=True)
    steps = models.JSONField(_("steps"), help_text=_("posts of each step, which stand for another"))

    class Meta:
        verbose_name = _("approval chain")
        verbose_name_plural = _("approval chains")
        ordering = ["kind", "position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=VALID, name="approval_chain_days"),
            models.CheckConstraint(
                condition=Q(from_ordinal__gte=1), name="approval_chain_ordinal_from_one"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.position}"

    def clean(self) -> None:
        """Refuse a step without a post, and a post the workflow's table does not name."""
        super().clean()
        if self.kind:
            check_steps(RequestKind(self.kind), self.steps)


def check_steps(kind: RequestKind, steps: object) -> None:
    """Raise ValidationError unless the steps are lists of posts the table allows for the kind."""
    allowed = {post.value for post in RULE_OF[kind].deciders}
    is_form = isinstance(steps, list) and steps and all(isinstance(s, list) and s for s in steps)
    if not is_form:
        raise ValidationError(_("Name at least one post in every step."))
    assert isinstance(steps, list)
    strangers = {str(post) for step in steps for post in step} - allowed
    if strangers:
        raise ValidationError(
            _("The workflow does not let %(posts)s decide this kind; it allows: %(all)s."),
            params={"posts": ", ".join(sorted(strangers)), "all": ", ".join(sorted(allowed))},
        )


class RequestCap(Dated):
    """The share of dispatched cases a department should not exceed in a month, by kind."""

    kind = models.CharField(_("kind"), max_length=16, choices=KINDS)
    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("department"),
        help_text=_("empty: every department without a row of its own"),
    )
    ratio = models.DecimalField(
        _("cap"),
        max_digits=5,
        decimal_places=4,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("share of the cases dispatched in the month: 0.05 is 5 %"),
    )
    amber_from = models.DecimalField(
        _("amber from"),
        max_digits=3,
        decimal_places=2,
        default="0.80",
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("part of the cap from which the light is amber"),
    )

    class Meta:
        verbose_name = _("cap on requests")
        verbose_name_plural = _("caps on requests")
        ordering = ["kind", "organisation", "-valid_from"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=VALID, name="request_cap_days"),
            models.CheckConstraint(
                condition=Q(ratio__gte=0, ratio__lte=1), name="request_cap_is_a_share"
            ),
            models.UniqueConstraint(
                fields=["city", "kind", "organisation", "valid_from"],
                nulls_distinct=False,
                name="one_request_cap_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.ratio}"


class RepeatRule(Dated):
    """How many cases of what, on which kind of spot, within how many days, are a repetition."""

    class Subject(models.TextChoices):
        CELL = "cell", _("Unit grid cell")
        COMPONENT = "component", _("Component")

    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120)
    subject = models.CharField(_("spot"), max_length=10, choices=Subject.choices)
    type = models.ForeignKey(
        CaseType, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("type")
    )
    type_class = models.ForeignKey(
        TypeClass,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("class"),
        help_text=_("without type and class: each type by itself"),
    )
    case_count = models.PositiveSmallIntegerField(
        _("cases"), validators=[MinValueValidator(2)], help_text=_("so many or more")
    )
    within_days = models.PositiveSmallIntegerField(
        _("within days"), validators=[MinValueValidator(1), MaxValueValidator(366)]
    )

    class Meta:
        verbose_name = _("rule of repetition")
        verbose_name_plural = _("rules of repetition")
        ordering = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=VALID, name="repeat_rule_days"),
            models.CheckConstraint(
                condition=Q(case_count__gte=2, within_days__gte=1), name="repeat_rule_repeats"
            ),
            models.CheckConstraint(
                condition=Q(type__isnull=True) | Q(type_class__isnull=True),
                name="repeat_rule_type_or_class",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RepeatSpot(models.Model):
    """A spot where cases came back, proposed for supervision: ordered, dismissed or waiting."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        ORDERED = "ordered", _("Put under supervision")
        DISMISSED = "dismissed", _("Dismissed")

    city = models.ForeignKey(City, models.CASCADE, db_index=False)
    rule = models.ForeignKey(RepeatRule, models.PROTECT, related_name="spots", db_index=False)
    cell = models.ForeignKey(GridCell, models.PROTECT, null=True, related_name="+", db_index=False)
    component = models.ForeignKey(
        Component, models.PROTECT, null=True, related_name="+", db_index=False
    )
    type = models.ForeignKey(CaseType, models.PROTECT, null=True, related_name="+", db_index=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PROPOSED)
    found_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    order = models.ForeignKey(
        SupervisionOrder, models.PROTECT, null=True, related_name="spots", db_index=False
    )
    cases: models.ManyToManyField = models.ManyToManyField(
        Case, through="RepeatSpotCase", related_name="+"
    )

    class Meta:
        verbose_name = _("repeat spot")
        verbose_name_plural = _("repeat spots")
        indexes: ClassVar = [
            models.Index(fields=["city", "status", "-found_at", "-id"], name="repeat_spot_list"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(cell__isnull=True, component__isnull=False)
                | Q(cell__isnull=False, component__isnull=True),
                name="repeat_spot_is_a_cell_or_a_component",
            ),
            models.UniqueConstraint(
                fields=["rule", "cell", "component", "type"],
                condition=Q(status="proposed"),
                nulls_distinct=False,
                name="one_open_proposal_a_spot",
            ),
            models.CheckConstraint(
                condition=Q(status="proposed") | Q(decided_at__isnull=False),
                name="repeat_spot_decided_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.component or self.cell}"


class RepeatSpotCase(models.Model):
    """A case of a spot: proposed under one rule once, whatever was decided."""

    spot = models.ForeignKey(RepeatSpot, models.CASCADE, related_name="members")
    rule = models.ForeignKey(RepeatRule, models.CASCADE, related_name="+", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case", "rule"], name="a_case_repeats_once_a_rule"),
        ]


class ReturnCycle(models.Model):
    """A case given again to a department that had returned it: for the shift supervisor to see."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="return_cycles")
    run = models.PositiveSmallIntegerField()
    departments = models.JSONField(help_text=_("codes of the departments in the order they had it"))
    noticed_at = models.DateTimeField()
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("cycle of returns")
        verbose_name_plural = _("cycles of returns")
        indexes: ClassVar = [
            models.Index(
                fields=["-noticed_at"], condition=Q(seen_at__isnull=True), name="return_cycle_new"
            ),
        ]


class CaseUrge(models.Model):
    """Whom somebody urged in a case, and when: nobody is urged again before a while has passed."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="urges", db_index=False)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    post = models.CharField(max_length=3, choices=[(post.value, post.value) for post in Post])
    urged_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    urged_at = models.DateTimeField()

    class Meta:
        verbose_name = _("urging")
        verbose_name_plural = _("urgings")
        indexes: ClassVar = [models.Index(fields=["case", "-urged_at"], name="case_urge_last")]
