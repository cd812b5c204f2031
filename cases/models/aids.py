"""What helps at a desk: common phrases, who works on a report, what may be a duplicate, words."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from cases.models.case import Case
from components.models import CaseType, TypeClass, TypeKind

PHRASE_LENGTH = 500


class PhraseQuerySet(models.QuerySet):
    """Which phrases a person is offered."""

    def offered_to(self, user: User) -> PhraseQuerySet:
        """Keep a person's own phrases and those of the teams they belong to."""
        shared = Q(owner__isnull=True, role__in=("", *user.roles))
        bodies = Q(organisation__isnull=True)
        if user.organisation is not None:
            above = [int(pk) for pk in user.organisation.path.split(".") if pk]
            bodies |= Q(organisation__in=above)
        return self.filter(Q(owner=user.pk) | (shared & bodies), city=user.city_id, is_active=True)


class Phrase(models.Model):
    """A common phrase (常用语): one person's own, or shared by a team.

    A team is an organisation with those below it, a role, or both; with neither the whole city.
    """

    city = models.ForeignKey(City, models.CASCADE, verbose_name=_("city"))
    owner = models.ForeignKey(
        User,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="phrases",
        verbose_name=_("person"),
        help_text=_("empty: shared by a team"),
    )
    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("organisation"),
        help_text=_("with those below it; empty: all"),
    )
    # What may be chosen stands in the admin's form: roles and actions change without a migration.
    role = models.CharField(_("role"), max_length=24, blank=True)
    action = models.CharField(_("action"), max_length=32, blank=True)
    text = models.CharField(_("phrase"), max_length=PHRASE_LENGTH)
    position = models.PositiveSmallIntegerField(_("position"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    objects = PhraseQuerySet.as_manager()

    class Meta:
        verbose_name = _("common phrase")
        verbose_name_plural = _("common phrases")
        ordering = ["position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(owner__isnull=True) | Q(organisation__isnull=True, role=""),
                name="phrase_of_a_person_or_a_team",
            ),
            models.UniqueConstraint(
                fields=["city", "owner", "organisation", "role", "action", "text"],
                nulls_distinct=False,
                name="phrase_once",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class CaseHold(models.Model):
    """Somebody has a report open at the acceptor's desk: a hint with a time-out.

    The door never asks it; two who act at once are told apart by the case's version.
    """

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="hold")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    until = models.DateTimeField()


class DuplicateRule(models.Model):
    """How near in place and time two reports may be the same thing: the most special line decides.

    A line for the type goes before one for its class, its kind, and one for everything.
    """

    city = models.ForeignKey(City, models.CASCADE, verbose_name=_("city"))
    kind = models.CharField(_("kind"), max_length=10, choices=TypeKind.choices, blank=True)
    type_class = models.ForeignKey(
        TypeClass, models.CASCADE, null=True, blank=True, verbose_name=_("class of types")
    )
    type = models.ForeignKey(
        CaseType, models.CASCADE, null=True, blank=True, verbose_name=_("type")
    )
    within_m = models.PositiveSmallIntegerField(
        _("within (m)"), default=100, validators=[MinValueValidator(1)]
    )
    within_hours = models.PositiveSmallIntegerField(
        _("within (hours)"), default=72, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("rule for duplicates")
        verbose_name_plural = _("rules for duplicates")
        ordering = ["city", "type", "type_class", "kind"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["city", "kind", "type_class", "type"],
                nulls_distinct=False,
                name="duplicate_rule_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.within_m} m, {self.within_hours} h"


class CaseWords(models.Model):
    """What a case is found by (docs/rules/search.md); the database's own trigger writes it.

    Address and description as they are now, and the names of type and areas. Erasing a case's
    words empties this too, in the same transaction.
    """

    case = models.OneToOneField(Case, models.CASCADE, primary_key=True, related_name="words")
    reported_at = models.DateTimeField()
    document = models.TextField()
