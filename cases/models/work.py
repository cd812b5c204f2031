"""Work given out in a case: orders to departments, field tasks of collectors, orders from above."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User


class SubOrder(models.Model):
    """What one department was asked to do in a case: the lead's order and co-operating ones.

    The lead owns the case's deadline; every order has its own handle clock; only mandatory ones
    hold the completion of the case back. Ended orders stay: they are the record of who handled.
    """

    class Outcome(models.TextChoices):
        RECALLED = "recalled", _("Recalled")
        RETURNED = "returned", _("Returned")
        REASSIGNED = "reassigned", _("Given to another department")
        PROXIED = "proxied", _("Handled by a proxy squad")
        ENDED = "ended", _("Ended with the case")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="sub_orders")
    run = models.PositiveSmallIntegerField()
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="sub_orders", db_index=False
    )
    is_lead = models.BooleanField(default=True)
    is_mandatory = models.BooleanField(default=True)
    task = models.TextField(_("what to do"), blank=True)
    dispatched_by = models.ForeignKey(  # null: the system, by a rule
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    dispatched_at = models.DateTimeField()
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    signed_at = models.DateTimeField(null=True)
    completed_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    completed_at = models.DateTimeField(null=True)
    # Inside the department: the body below it that has the order now, the person who does it.
    squad = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    person = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    assigned_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    assigned_at = models.DateTimeField(null=True)
    # A co-operating department says the part is not theirs; the desk decides.
    declined_at = models.DateTimeField(null=True)
    decline_reason = models.TextField(blank=True, default="", db_default="")
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    # Of the lead's order: what the routing rules suggested, by which rule of which version.
    suggested = models.ForeignKey(
        Organisation, models.PROTECT, null=True, related_name="+", db_index=False
    )
    routing_rule = models.CharField(max_length=40, blank=True, default="", db_default="")
    rules_version = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("sub-order")
        verbose_name_plural = _("sub-orders")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(is_lead=True, ended_at__isnull=True),
                name="one_lead_department",
            ),
            models.UniqueConstraint(
                fields=["case", "organisation"],
                condition=Q(ended_at__isnull=True),
                name="one_open_order_per_department",
            ),
            models.CheckConstraint(
                condition=Q(is_lead=False) | Q(declined_at__isnull=True),
                name="only_a_part_is_declined",
            ),
        ]
        indexes: ClassVar = [
            # whose cases a department sees: read from the index alone
            models.Index(fields=["organisation", "case"], name="sub_order_seen"),
            BrinIndex(fields=["dispatched_at"], name="sub_order_given_out"),
            # how many a department was given in a month: read alone
            models.Index(
                fields=["organisation", "dispatched_at"],
                condition=Q(is_lead=True),
                name="sub_order_asked_of",
            ),
            models.Index(
                fields=["organisation"],
                condition=Q(is_lead=False, ended_at__isnull=True, completed_at__isnull=True),
                name="sub_order_part_open",
            ),
            models.Index(
                fields=["squad", "case"],
                condition=Q(squad__isnull=False),
                name="sub_order_squad_seen",
            ),
            models.Index(
                fields=["person"],
                condition=Q(person__isnull=False, ended_at__isnull=True, completed_at__isnull=True),
                name="sub_order_of_person",
            ),
        ]

    @property
    def is_under_way(self) -> bool:
        """Whether somebody still has to do it."""
        return self.ended_at is None and self.completed_at is None

    @property
    def is_assigned(self) -> bool:
        """Whether a squad or a person has it."""
        return self.squad_id is not None or self.person_id is not None


class FieldTask(models.Model):
    """A collector sent to a place: to confirm before filing, to check after handling."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm", _("Confirm on site")
        CHECK = "check", _("Check on site")

    class Outcome(models.TextChoices):
        TRUE = "true", _("True")
        NOT_TRUE = "not_true", _("Not true")
        GONE = "gone", _("Gone")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        REASSIGNED = "reassigned", _("Given to another collector")
        RECALLED = "recalled", _("Recalled")
        ENDED = "ended", _("Ended with the case")

    FOUND = (Outcome.TRUE, Outcome.NOT_TRUE, Outcome.GONE)  # what is answered before filing

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="field_tasks")
    run = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    collector = models.ForeignKey(User, models.PROTECT, related_name="field_tasks", db_index=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    assigned_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", db_index=False
    )
    assigned_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    is_reporter_checking = models.BooleanField(
        default=False, help_text=_("flag: the reporter checks, no other collector has the beat")
    )

    class Meta:
        verbose_name = _("field task")
        verbose_name_plural = _("field tasks")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(ended_at__isnull=True), name="one_open_field_task"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["collector", "due_at"],
                condition=Q(ended_at__isnull=True),
                name="field_task_open",
            ),
            models.Index(fields=["collector", "case"], name="field_task_seen"),
            # Which reports were confirmed on site, one way or the other: read alone.
            models.Index(
                fields=["case", "run"],
                condition=Q(kind="confirm", outcome__in=("true", "not_true", "gone")),
                name="field_task_confirmed",
            ),
        ]


class OrderFromAbove(models.Model):
    """A text with a duty to reply, attached to a case; changes no clock."""

    class Rating(models.TextChoices):
        GOOD = "good", _("Good")
        FAIR = "fair", _("Fair")
        POOR = "poor", _("Poor")

    case = models.ForeignKey("cases.Case", models.PROTECT, related_name="%(class)ss")
    organisation = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("who had the case when it was given"),
    )
    number = models.CharField(max_length=24, unique=True)
    text = models.TextField()
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    reply_due_at = models.DateTimeField(null=True)
    reply = models.TextField(blank=True)
    replied_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    replied_at = models.DateTimeField(null=True)
    rating = models.CharField(max_length=4, choices=Rating.choices, blank=True)
    rating_note = models.TextField(blank=True)
    rated_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    rated_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def waits(self) -> bool:
        """Whether nobody has replied yet."""
        return self.replied_at is None

    @property
    def is_unrated(self) -> bool:
        """Whether the reply waits for a rating."""
        return self.replied_at is not None and self.rated_at is None


class SupervisionOrder(OrderFromAbove):
    """督办: number, deadline, reply, rating of the reply."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-given_at", "-id"], name="supervision_order_list")
        ]
        verbose_name = _("supervision order")
        verbose_name_plural = _("supervision orders")


class LeaderInstruction(OrderFromAbove):
    """批示: seen by all who handle the case."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-given_at", "-id"], name="leader_instruction_list")
        ]
        verbose_name = _("leader's instruction")
        verbose_name_plural = _("leader's instructions")
