"""The case, its number, the person who reported it.

A case is only ever written by ``cases.services`` (``case_report`` and ``case_act``). It stores the
cell version and the codes of its areas as they were; ``due_at``/``warn_at`` repeat the clock the
case waits for, so that a list needs no join to sort by urgency or to show a light.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.gis.db import models
from django.db.models import BooleanField, Exists, F, OuterRef, Q, Subquery, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import City, Organisation, User
from accounts.roles import REPORT, ROLES, SEE_ALL, Role
from cases.models.work import FieldTask, SubOrder
from cases.workflow import STATE_LABELS, ClockKind, State
from common.lookups import array_of
from components.models import CaseStandard, CaseType, Component, LimitUnit, Profile
from grid.models import SRID, Area, AreaSuccession, GridCell, Jurisdiction, ManagementArea, Zone

if TYPE_CHECKING:
    from cases.parts import CaseParts


class Source(models.TextChoices):
    """Who found the problem."""

    COLLECTOR = "collector", _("Collector")
    HOTLINE = "hotline", _("Hotline")
    PUBLIC = "public", _("Public")
    SENSOR = "sensor", _("Sensor")
    LEADER = "leader", _("Leader's office")
    MEDIA = "media", _("Media")
    VIDEO = "video", _("Video")


class Urgency(models.TextChoices):
    """Urgent cases are handled in natural hours."""

    NORMAL = "normal", _("Normal")
    URGENT = "urgent", _("Urgent")


HANDLING_ROLES = frozenset({Role.DEPARTMENT_CLERK, Role.DEPARTMENT_HEAD, Role.PROXY_SQUAD})
MANY = 5000  # cases of somebody: among a million, a page of them is soon met
WHOLE_CITY_DESKS = frozenset({Organisation.Kind.CITY, Organisation.Kind.CENTRE})


class CaseQuerySet(models.QuerySet):
    """Which cases a person may see: the one policy for lists, details, search, feeds, exports."""

    def visible_to(self, user: User, *, from_case: bool = False, few: bool = False) -> CaseQuerySet:
        """Keep the cases this person may see; what is left out does not exist for them.

        The centre's posts see the whole city; a desk what it holds and what lies in its districts;
        a department what it or those below it handle or have handled; a squad what its department
        gave it; a collector what they reported
        or were sent to; a contractor's manager what their collectors reported or were sent to.

        One policy, written in three ways, because PostgreSQL guesses wrong which is best:
        as it stands, a set is made of all that the person may see. ``few`` says that those are few:
        each is looked up. ``from_case`` asks it of each case by its key: for cases that are known
        already, or walked until enough are found.
        """
        roles = user.roles if user.is_active else frozenset()
        if not roles or user.city_id is None:
            return self.none()
        city = self.filter(city_id=user.city_id)
        if any(SEE_ALL in ROLES[role].permissions for role in roles):
            return city
        if (
            Role.DISPATCHER in roles
            and user.organisation
            and user.organisation.kind in WHOLE_CITY_DESKS
        ):
            return city
        parts = list(self._own_parts(user, roles, from_case=from_case, few=few))
        return city.filter(reduce(or_, parts)) if parts else self.none()

    def newest_visible_to(self, user: User, *, is_narrowed: bool) -> CaseQuerySet:
        """The same, for a list that begins with the newest case and ends with a page.

        Who was asked to handle many finds a page of them among the newest; but not of those that
        a filter leaves (``is_narrowed``), which may be none: then all of theirs are looked up, and
        so are those of somebody who has few. One query more where it is counted.
        """
        if is_narrowed or user.organisation is None:
            return self.visible_to(user, few=True)
        asked: list[Any] = []
        if user.roles & HANDLING_ROLES:
            asked.append(SubOrder.objects)
        if Role.CONTRACTOR_MANAGER in user.roles:
            asked.append(FieldTask.objects)
        below = {"organisation__path__startswith": user.organisation.path}
        many = (rows.filter(**below).order_by()[MANY : MANY + 1].exists() for rows in asked)
        is_walked = any(many)
        return self.visible_to(user, from_case=is_walked, few=not is_walked)

    @staticmethod
    def _own_parts(
        user: User, roles: frozenset[Role], *, from_case: bool, few: bool
    ) -> Iterator[Q]:
        """Yield what a person sees who sees a part of the city only, as conditions to be joined.

        One condition alone lets PostgreSQL stop at the newest few that fulfil it; of two it first
        collects everything the second allows.
        """
        has = _asked_of_each if from_case else Exists
        if any(REPORT in ROLES[role].permissions for role in roles):
            yield Q(reporter_id=user.pk)
        tasks = FieldTask.objects.filter(case_id=OuterRef("pk"))
        if Role.COLLECTOR in roles:
            yield Q(has(tasks.filter(collector_id=user.pk)))
        if user.organisation is None:
            return
        below = {"organisation__path__startswith": user.organisation.path}
        if roles & HANDLING_ROLES and from_case:
            orders = SubOrder.objects.filter(case_id=OuterRef("pk"))
            yield Q(has(orders.filter(**below)))
            yield Q(has(orders.filter(squad__path__startswith=user.organisation.path)))
        elif roles & HANDLING_ROLES:
            ordered = _ordered_to(user.organisation.path)
            yield Q(pk__any_of=array_of(ordered)) if few else Q(pk__in=ordered)
        if Role.CONTRACTOR_MANAGER in roles:
            yield Q(has(tasks.filter(**below)))
            yield Q(reporter__organisation__path__startswith=user.organisation.path)
        if Role.DISPATCHER in roles:
            ground = Jurisdiction.objects.filter(
                organisation=user.organisation.pk, function=Jurisdiction.Function.DISPATCH
            )
            yield Q(desk__path__startswith=user.organisation.path)
            yield Q(street_id__in=_streets_of(ground.exclude(area=None).values("area_id")))
            yield Q(
                management_area_id__in=ground.exclude(management_area=None).values(
                    "management_area_id"
                )
            )


def _asked_of_each(rows: models.QuerySet) -> Subquery:
    """Tell whether a case has one of these rows; a scalar is never made a join or a set."""
    return Subquery(rows.order_by().values(found=Value(True))[:1], BooleanField())


def _ordered_to(path: str) -> models.QuerySet:
    """Return the cases a body or one below it was ever asked to handle, or given as a squad.

    A union, not an OR: each half is read from its own index (sub_order_seen, sub_order_squad_seen),
    and the case's table is reached through the few that are found.
    """
    orders = SubOrder.objects.order_by()
    own = orders.filter(organisation__path__startswith=path).values("case_id")
    given = orders.filter(squad__path__startswith=path).values("case_id")
    return own.union(given, all=True)


def _streets_of(areas: models.QuerySet) -> models.QuerySet:
    """Return the streets that lie in these districts (or are among them) today, as a subquery.

    A case keeps the district it was filed in; whose it is follows from where its street lies now,
    or what came after that street.
    """
    streets = Area.objects.filter(level=Area.Level.STREET)
    today = streets.filter(parent__in=areas) | streets.filter(pk__in=areas)
    before = AreaSuccession.objects.filter(successor__in=today.values("pk"))
    return streets.filter(
        Q(pk__in=today.values("pk")) | Q(pk__in=before.values("predecessor"))
    ).values("pk")


class Case(models.Model):
    """One problem in the city, from report to close."""

    # Keys have an index only where something asks for it: every act rewrites those of its case.
    city = models.ForeignKey(City, models.PROTECT, db_index=False)
    number = models.CharField(_("number"), max_length=20, db_collation="C")
    state = models.CharField(_("state"), max_length=12, choices=list(STATE_LABELS.items()))
    is_open = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    run = models.PositiveSmallIntegerField(default=1)

    source = models.CharField(_("source"), max_length=10, choices=Source.choices)
    reporter = models.ForeignKey(
        User, models.PROTECT, related_name="reported_cases", db_index=False
    )
    reported_at = models.DateTimeField(_("reported at"))
    type = models.ForeignKey(
        CaseType, models.PROTECT, null=True, db_index=False, verbose_name=_("type")
    )
    component = models.ForeignKey(
        Component,
        models.PROTECT,
        null=True,
        db_index=False,
        related_name="cases",
        verbose_name=_("component"),
    )
    description = models.TextField(_("description"), blank=True)
    urgency = models.CharField(
        _("urgency"), max_length=8, choices=Urgency.choices, default=Urgency.NORMAL
    )
    is_self_handled = models.BooleanField(_("handled on the spot"), default=False)

    point = models.PointField(_("place"), srid=SRID)
    address = models.CharField(_("address"), max_length=200, blank=True)
    cell = models.ForeignKey(GridCell, models.PROTECT, related_name="cases", db_index=False)
    community = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    street = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    district = models.ForeignKey(Area, models.PROTECT, related_name="+", db_index=False)
    management_area = models.ForeignKey(
        ManagementArea, models.PROTECT, null=True, related_name="+", db_index=False
    )
    cell_code = models.CharField(max_length=16)
    community_code = models.CharField(max_length=12)
    street_code = models.CharField(max_length=12)
    district_code = models.CharField(max_length=12)
    zone_grade = models.CharField(max_length=8, choices=Zone.Grade.choices)

    standard = models.ForeignKey(
        CaseStandard, models.PROTECT, null=True, related_name="+", db_index=False
    )
    profile = models.CharField(max_length=12, choices=Profile.choices, blank=True)
    limit_value = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    limit_unit = models.CharField(max_length=16, choices=LimitUnit.choices, blank=True)
    closing_conditions = models.JSONField(default=list)

    desk = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    department = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    collector = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    routing_reason = models.CharField(max_length=300, blank=True)
    master = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="merged_cases", db_index=False
    )
    rework_count = models.PositiveSmallIntegerField(default=0)
    has_open_filing = models.BooleanField(
        default=False, help_text=_("dispatched as urgent, filing still to be completed")
    )
    review_at = models.DateTimeField(null=True)
    handled_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    clock_kind = models.CharField(max_length=10, choices=ClockKind.choices(), blank=True)
    warn_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    history_head = models.CharField(max_length=64, blank=True)
    history_length = models.PositiveIntegerField(default=0)

    objects = CaseQuerySet.as_manager()
    known_parts: CaseParts | None = None  # kept by cases.parts

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        permissions: ClassVar = [
            ("report_cases", "May report cases"),
            ("view_all_cases", "Sees every case of the city"),
            ("view_personal_data", "Sees who reported"),
            ("supervise", "Sees the supervision page"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-reported_at", "-id"], name="case_newest"),
            # A state's cases, the oldest first, with what adds them up: read alone, once a second
            # for the wall, and for the table of who holds how many.
            models.Index(
                fields=["state", "reported_at", "id"],
                include=[
                    "city",
                    "run",
                    "district",
                    "cell",
                    "warn_at",
                    "due_at",
                    "collector",
                    "desk",
                    "department",
                ],
                condition=Q(is_open=True),
                name="case_queue",
            ),
            # With what an inbox's queues ask for: read alone, like the desk's.
            models.Index(
                fields=["department", "due_at"],
                include=["id", "city", "state", "reported_at", "warn_at", "rework_count"],
                condition=Q(is_open=True),
                name="case_inbox",
            ),
            # The state costs nothing here: an act that changes it moves the deadline too. Queues
            # of one state are counted in it, and read from their most urgent case on.
            models.Index(
                fields=["desk", "state", "due_at", "reported_at", "id"],
                condition=Q(is_open=True),
                name="case_desk",
            ),
            # With what a list of what is late is sorted by, and a count of it asks for.
            models.Index(
                fields=["due_at"],
                include=["id", "city", "reported_at"],
                condition=Q(is_open=True),
                name="case_due",
            ),
            models.Index(fields=["district", "-reported_at"], name="case_district"),
            models.Index(fields=["type", "-reported_at"], name="case_type"),
            models.Index(fields=["cell", "-reported_at"], name="case_cell"),
            models.Index(fields=["reporter", "-reported_at"], name="case_reporter"),
            models.Index(fields=["department", "-reported_at"], name="case_department"),
            models.Index(
                fields=["management_area", "-reported_at"],
                condition=Q(management_area__isnull=False),
                name="case_management_area",
            ),
            models.Index(fields=["master"], condition=Q(master__isnull=False), name="case_master"),
            models.Index(
                fields=["component"], condition=Q(component__isnull=False), name="case_component"
            ),
            models.Index(
                fields=["review_at"], condition=Q(review_at__isnull=False), name="case_review"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["number"], name="case_number_unique"),
            models.CheckConstraint(
                condition=Q(is_open=False) | Q(ended_at__isnull=True), name="open_case_has_no_end"
            ),
            models.CheckConstraint(condition=~Q(master=F("id")), name="case_is_not_its_own_master"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def current_state(self) -> State:
        """The state as the workflow's enum."""
        return State(self.state)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Read again; the parts too, when next asked for."""
        self.known_parts = None
        super().refresh_from_db(*args, **kwargs)


class CasePerson(models.Model):
    """Who reported, as they named themselves: personal data, erasable, never hashed."""

    case = models.OneToOneField(Case, models.CASCADE, related_name="person")
    name = models.CharField(_("name"), max_length=60, blank=True)
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["phone"], name="case_person_phone")]


class NumberCounter(models.Model):
    """Last case number given in a city on a day; the last lock a report takes."""

    city = models.ForeignKey(City, models.PROTECT)
    day = models.DateField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["city", "day"], name="one_counter_a_day"),
        ]


class ReasonCode(models.Model):
    """A reason an action or request may name; a city edits the list."""

    action = models.CharField(_("action"), max_length=24)
    code = models.SlugField(_("code"), max_length=30)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("reason")
        verbose_name_plural = _("reasons")
        ordering = ["action", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["action", "code"], name="reason_code_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class CasePolicy(models.Model):
    """Numbers of the workflow that a city sets for itself."""

    city = models.OneToOneField(City, models.CASCADE)
    component_distance_m = models.PositiveIntegerField(
        _("component at most so far from the report (m)"), default=200
    )
    photo_distance_m = models.PositiveIntegerField(
        _("photo at most so far from the case (m)"), default=500
    )
    merge_distance_m = models.PositiveIntegerField(
        _("merged case at most so far away (m)"), default=300
    )
    field_task_grace_minutes = models.PositiveIntegerField(
        _("overdue field task taken back after (minutes)"),
        default=120,
        help_text=_("then it goes back to the acceptors, who send another collector"),
    )
    urge_pause_minutes = models.PositiveIntegerField(
        _("urged again in a case at the earliest after (minutes)"), default=120, db_default=120
    )

    class Meta:
        verbose_name = _("workflow settings")
        verbose_name_plural = _("workflow settings")
