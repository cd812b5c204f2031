"""Who acts: the city, its organisation tree, its people, and what they sent twice.

An organisation answers for work; it has no geometry and no key to an area: ``grid.Jurisdiction``
ties the two. ``path`` is the materialised chain of ids from the root ("1.7.23."), so that "this
organisation and all below it" is one indexed prefix search.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.roles import ROLES, Role, home_for
from common.prepared import Prepared, Slot


class City(models.Model):
    """The city of this installation; a province will hold several."""

    code = models.CharField(_("code"), max_length=12, unique=True)
    name = models.CharField(_("name"), max_length=50)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    cell_sequence_length = models.PositiveSmallIntegerField(
        _("digits of a cell's sequence"),
        default=3,
        help_text=_("2 after CJ/T 213-2005 (14-digit codes), 3 in later practice (15 digits)"),
    )

    class Meta:
        verbose_name = _("city")
        verbose_name_plural = _("cities")

    def __str__(self) -> str:
        return self.name


class Organisation(models.Model):
    """One node of the tree: city, district bodies, streets, departments, squads, contractors."""

    class Kind(models.TextChoices):
        CITY = "city", _("City")
        CENTRE = "centre", _("Supervision centre")
        DISTRICT = "district", _("District")
        STREET = "street", _("Street office")
        COMMUNITY = "community", _("Community body")
        DEPARTMENT = "department", _("Department")
        ENTERPRISE = "enterprise", _("Enterprise")
        SQUAD = "squad", _("Squad")
        CONTRACTOR = "contractor", _("Collection contractor")

    city = models.ForeignKey(City, models.PROTECT, verbose_name=_("city"))
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("parent"),
    )
    code = models.SlugField(_("code"), max_length=60)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=160, blank=True)
    department_kind = models.CharField(
        _("kind of department"),
        max_length=40,
        blank=True,
        help_text=_("trade it answers for, e.g. sanitation: the catalogue's lead departments"),
    )
    has_dispatch_desk = models.BooleanField(_("has a dispatch desk"), default=False)
    path = models.CharField(max_length=200, editable=False, default="")
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["path"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "code"], name="organisation_code_unique"),
        ]
        indexes: ClassVar = [
            models.Index(OpClass(F("path"), name="text_pattern_ops"), name="organisation_path"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a parent that lies below this organisation, or in another city's tree."""
        if self.pk and self.parent and self.parent.path.startswith(self.path):
            raise ValidationError({"parent": _("An organisation cannot lie below itself.")})
        if self.parent and self.parent.city_id != self.city_id:
            raise ValidationError({"parent": _("This organisation is another city's.")})

    def contains(self, other: Organisation) -> bool:
        """Tell whether ``other`` is this organisation or lies below it."""
        return other.path.startswith(self.path)

    @property
    def level_mark(self) -> str | Promise:
        """One letter for the level shown on the organisation chip: 市 区 街 社 企 队 采."""
        if self.kind == self.Kind.DEPARTMENT and self.path.count(".") > 2:
            return LEVEL_MARKS[self.Kind.DISTRICT]
        return LEVEL_MARKS[self.Kind(self.kind)]


_CITY, _DISTRICT = pgettext_lazy("level mark", "C"), pgettext_lazy("level mark", "D")
LEVEL_MARKS = {
    Organisation.Kind.CITY: _CITY,
    Organisation.Kind.CENTRE: _CITY,
    Organisation.Kind.DEPARTMENT: _CITY,
    Organisation.Kind.DISTRICT: _DISTRICT,
    Organisation.Kind.STREET: pgettext_lazy("level mark", "S"),
    Organisation.Kind.COMMUNITY: pgettext_lazy("level mark", "N"),  # neighbourhood
    Organisation.Kind.ENTERPRISE: pgettext_lazy("level mark", "E"),
    Organisation.Kind.SQUAD: pgettext_lazy("level mark", "Q"),
    Organisation.Kind.CONTRACTOR: pgettext_lazy("level mark", "P"),  # patrols
}

# As SQL: every request asks it, and a subquery of the ORM is written anew each time.
ROLE_CODES = RawSQL(
    "ARRAY(SELECT auth_group.name FROM accounts_user_groups"
    " JOIN auth_group ON auth_group.id = accounts_user_groups.group_id"
    " WHERE accounts_user_groups.user_id = accounts_user.id)",
    [],
    output_field=ArrayField(models.CharField()),
)


class PersonManager(UserManager["User"]):
    """Users, with their roles in the same query."""

    def with_roles(self) -> models.QuerySet[User]:
        """Load organisation and role codes together: one query for who acts."""
        return self.get_queryset().select_related("organisation").annotate(role_codes=ROLE_CODES)

    def get_by_natural_key(self, username: str | None) -> User:
        """Case-sensitive look-up by login name, roles included."""
        return self.with_roles().get(username=username)


_BODIES_BELOW = Prepared(
    Organisation.objects.filter(path__startswith=Slot("path")).values_list("pk", flat=True)
)


class User(AbstractUser):
    """A person with a log-in. Personal contact data never enters the hashed history."""

    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="people",
        verbose_name=_("organisation"),
    )
    display_name = models.CharField(_("name shown"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    theme = models.CharField(_("theme"), max_length=10, blank=True)

    objects = PersonManager()

    # Whom this person stands in for, and by what; kept by ``accounts.delegation``, never stored.
    principal: User | None = None
    duties: tuple[Delegation, ...] = ()

    class Meta(AbstractUser.Meta):
        permissions: ClassVar = [("configure_city", "May configure the city")]

    def __str__(self) -> str:
        return self.display_name or self.username

    @cached_property
    def body_ids(self) -> list[int]:
        """The person's organisation and all below it, by id; none without one: one query."""
        if self.organisation is None:
            return []
        return _BODIES_BELOW(path=self.organisation.path)

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The person's roles; no query when loaded by ``with_roles``."""
        codes = getattr(self, "role_codes", None)
        if codes is None:
            codes = self.groups.values_list("name", flat=True)
        known = {role.value for role in Role}
        return frozenset(Role(code) for code in codes if code in known)

    @property
    def persons(self) -> frozenset[int]:
        """Ids of who acts and for whom: both count wherever people must differ."""
        return frozenset({self.pk, self.principal.pk} if self.principal else {self.pk})

    def stands_in_at(self, now: datetime) -> bool:
        """Tell whether this person may act now: in their own name, or by a duty that runs."""
        if self.principal is None:
            return True
        return all(duty.runs_at(now) for duty in self.duties)

    @property
    def home(self) -> str:
        """Path of the desk this person starts at."""
        return home_for(self.roles)


class IdempotentRequest(models.Model):
    """A write somebody sent with an Idempotency-Key, and the answer it got; kept 7 days."""

    user = models.ForeignKey(User, models.CASCADE, db_index=False)
    key = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(default="")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_unique"),
        ]


class Delegation(models.Model):
    """A duty (one role) handed to a colleague for a time; their acts are "for" the principal.

    Never deleted: taking it back ends it. What may be handed over and to whom stands in
    ``accounts.delegation``.
    """

    principal = models.ForeignKey(
        User, models.PROTECT, related_name="+", db_index=False, verbose_name=_("whose duty")
    )
    colleague = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name=_("handed to")
    )
    role = models.CharField(
        _("duty"), max_length=20, choices=[(role.value, ROLES[role].label) for role in Role]
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    given_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", db_index=False, verbose_name=_("handed over by")
    )
    given_at = models.DateTimeField(_("handed over at"))
    revoked_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("taken back by"),
    )
    revoked_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    class Meta:
        verbose_name = _("duty handed over")
        verbose_name_plural = _("duties handed over")
        ordering = ["-starts_at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="delegation_lasts"
            ),
            models.CheckConstraint(
                condition=~Q(principal=F("colleague")), name="delegation_to_somebody_else"
            ),
            ExclusionConstraint(
                name="delegation_one_at_a_time",
                expressions=[
                    ("principal", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (
                        Func(
                            F("starts_at"),
                            F("ends_at"),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(revoked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.principal} → {self.colleague} ({self.role})"

    def runs_at(self, now: datetime) -> bool:
        """Tell whether the colleague may act for the principal at a moment."""
        return self.revoked_at is None and self.starts_at <= now < self.ends_at


class SavedFilter(models.Model):
    """A list's filter under a name: the owner's, and their organisation's where it is shared."""

    owner = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("owner"))
    page = models.CharField(_("page"), max_length=30)
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(_("filter"), max_length=1000, blank=True)
    is_shared = models.BooleanField(_("shared with the own organisation"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "page", "name"], name="saved_filter_name"),
        ]

    def __str__(self) -> str:
        return self.name
