"""Routing rules as data: the draft a city edits, the versions it published, what waits where.

The rows of ``RoutingRule`` are the draft. Nothing follows them before they are published: then the
whole set is written down as one numbered version that nobody can change (``PublishedRules``).
"""

from __future__ import annotations

from typing import ClassVar

from django import forms
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import City, Organisation, User
from cases.models import Case, Source
from common.models import AppendOnlyModel
from components.department_kinds import DepartmentKind
from components.models import CaseType, TypeClass, TypeKind
from dispatch.routing.terms import Bodies, DayKind, LeadBy, Level
from grid.models import Area, ManagementArea, Zone


class ChoicesField(ArrayField):
    """Several of some choices, ticked in a form."""

    def formfield(self, **kwargs):
        """Return a field of check boxes."""
        return super(ArrayField, self).formfield(
            form_class=forms.TypedMultipleChoiceField,
            choices=self.base_field.choices,
            coerce=str,
            widget=forms.CheckboxSelectMultiple,
            **{name: value for name, value in kwargs.items() if name != "widget"},
        )


class RoutingRule(models.Model):
    """One rule of the draft: when it applies, who leads then and who helps."""

    valid_from = models.DateField(_("contract from"), null=True, blank=True)
    valid_to = models.DateField(
        _("contract to"), null=True, blank=True, help_text=_("the first day without it")
    )
    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    position = models.PositiveIntegerField(
        _("place in the order"), help_text=_("the first rule that applies decides")
    )
    code = models.SlugField(
        _("code"),
        max_length=40,
        help_text=_("stays the same through all versions: figures are counted by it"),
    )
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    is_enabled = models.BooleanField(
        _("switched on"), default=True, help_text=_("a rule switched off is not published")
    )

    kind = models.CharField(
        _("components or events"), max_length=10, choices=TypeKind.choices, blank=True
    )
    types = models.ManyToManyField(
        CaseType, blank=True, related_name="+", verbose_name=_("types"), help_text=_("none: any")
    )
    type_classes = models.ManyToManyField(
        TypeClass,
        blank=True,
        related_name="+",
        verbose_name=_("classes"),
        help_text=_("a case of one of the types or of one of the classes"),
    )
    bodies = models.CharField(_("the component"), max_length=10, choices=Bodies.choices, blank=True)
    zone_grades = ChoicesField(
        models.CharField(max_length=8, choices=Zone.Grade.choices),
        verbose_name=_("zones"),
        default=list,
        blank=True,
        help_text=_("none: any"),
    )
    areas = models.ManyToManyField(
        Area,
        blank=True,
        related_name="+",
        verbose_name=_("districts, streets, communities"),
        help_text=_("none: anywhere"),
    )
    management_areas = models.ManyToManyField(
        ManagementArea,
        blank=True,
        related_name="+",
        verbose_name=_("management areas"),
        help_text=_("none: anywhere"),
    )
    sources = ChoicesField(
        models.CharField(max_length=10, choices=Source.choices),
        verbose_name=_("sources"),
        default=list,
        blank=True,
        help_text=_("none: any"),
    )
    day_kind = models.CharField(_("days"), max_length=8, choices=DayKind.choices, blank=True)
    from_time = models.TimeField(_("from"), null=True, blank=True)
    to_time = models.TimeField(
        _("until"),
        null=True,
        blank=True,
        help_text=_("of the day on which the case is given out; 22:00 until 06:00 is a night"),
    )
    contract = models.CharField(_("contract"), max_length=120, blank=True)

    lead_by = models.CharField(_("who leads"), max_length=12, choices=LeadBy.choices)
    lead_organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
    )
    lead_level = models.CharField(
        _("answers for"),
        max_length=16,
        choices=Level.choices,
        blank=True,
        help_text=_("none: the nearest, the smallest ground first"),
    )
    lead_trade = models.CharField(
        _("trade"),
        max_length=40,
        choices=DepartmentKind.choices,
        blank=True,
        help_text=_("none: the trade of the case's standard or type"),
    )
    is_automatic = models.BooleanField(
        _("given out by the system"),
        default=False,
        help_text=_("without a person, as soon as the case is filed"),
    )
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["position", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "code"], name="routing_rule_code_unique"),
            models.CheckConstraint(
                condition=Q(lead_by=LeadBy.ORGANISATION, lead_organisation__isnull=False)
                | (~Q(lead_by=LeadBy.ORGANISATION) & Q(lead_organisation__isnull=True)),
                name="routing_rule_names_its_lead",
                violation_error_message=_(
                    "Choose an organisation exactly where the organisation named leads."
                ),
            ),
            models.CheckConstraint(
                condition=Q(from_time__isnull=True, to_time__isnull=True)
                | (Q(from_time__isnull=False, to_time__isnull=False) & ~Q(from_time=F("to_time"))),
                name="routing_rule_has_a_window",
                violation_error_message=_("A time window needs two different times."),
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_to__isnull=True)
                | Q(valid_from__lt=F("valid_to")),
                name="routing_rule_contract_has_days",
                violation_error_message=_("The contract ends before it begins."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RuleCooperation(models.Model):
    """An organisation that a rule asks to co-operate."""

    rule = models.ForeignKey(RoutingRule, models.CASCADE, related_name="cooperation")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation")
    )
    is_mandatory = models.BooleanField(
        _("mandatory"), default=True, help_text=_("the case waits for its part")
    )
    task = models.CharField(_("what to do"), max_length=200, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("routing", "co-operating organisation")
        verbose_name_plural = pgettext_lazy("routing", "co-operating organisations")
        ordering = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "organisation"], name="routing_rule_asks_a_body_once"
            ),
        ]


class AutomaticType(models.Model):
    """A type whose cases the system gives out by itself, whatever rule applies; of the draft."""

    city = models.ForeignKey(City, models.CASCADE, related_name="+", verbose_name=_("city"))
    type = models.ForeignKey(CaseType, models.CASCADE, related_name="+", verbose_name=_("type"))

    class Meta:
        verbose_name = _("type given out by the system")
        verbose_name_plural = _("types given out by the system")
        ordering = ["type__code"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "type"], name="automatic_type_once"),
        ]

    def __str__(self) -> str:
        return str(self.type)


class PublishedRules(AppendOnlyModel):
    """A version of a city's rules, as it was published: suggestions follow the newest.

    ``trades`` and ``organisations`` repeat what the rules name, so that one query can ask for the
    bodies that they may lead to.
    """

    city = models.ForeignKey(City, models.PROTECT, related_name="+", db_index=False)
    number = models.PositiveIntegerField(_("version"))
    data = models.JSONField()
    digest = models.CharField(max_length=64)
    trades = ArrayField(models.CharField(max_length=40), default=list)
    organisations = ArrayField(models.BigIntegerField(), default=list)
    published_at = models.DateTimeField(_("published at"))
    published_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("published by"),
    )
    note = models.CharField(_("what changed"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("published rules")
        verbose_name_plural = _("published rules")
        ordering = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "number"], name="rules_version_unique"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class CaseRouting(models.Model):
    """What the rules said of a case that waits to be given out, when the system last asked them.

    Kept by the routing job (``dispatch.routing.job``) while the case is filed; an empty
    ``organisation`` is the queue of what nobody answers for.
    """

    case = models.OneToOneField(Case, models.CASCADE, related_name="routing", primary_key=True)
    history_length = models.PositiveIntegerField(
        help_text=_("of the case when the rules were asked")
    )
    rules_number = models.PositiveIntegerField()
    rule = models.CharField(max_length=40, blank=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    routed_at = models.DateTimeField()
