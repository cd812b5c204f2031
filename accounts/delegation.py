"""Duties handed to a colleague for a time (授权): what may be handed over, to whom, until when.

A colleague *stands in*: for the requests of a session they are the principal's post, no more and no
less, and every act is recorded as "for" the principal. Both persons count wherever two acts must be
by different people. docs/rules/delegation.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Delegation, User
from accounts.roles import CONFIGURE, Role, may
from common.errors import DomainError, Sentence

# A field task has a hand-over of its own (reassign); what an administrator configures is nobody's
# turn of duty; the others do nothing to a case.
DELEGABLE = (
    Role.ACCEPTOR,
    Role.SHIFT_SUPERVISOR,
    Role.DISPATCHER,
    Role.DEPARTMENT_CLERK,
    Role.DEPARTMENT_HEAD,
    Role.PROXY_SQUAD,
    Role.LEADER,
)
LONGEST = timedelta(days=92)
SESSION_KEY = "acts_for"  # id of the principal


class DutyEnded(DomainError):
    """The duty somebody stood in for has ended, or was never theirs."""

    def __init__(self) -> None:
        super().__init__(
            "duty_ended",
            _("The duty you stood in for has ended or was taken back. Nothing was done."),
            status=403,
        )


# ── reading ───────────────────────────────────────────────────────────────────────────────────


def running(now: datetime) -> QuerySet[Delegation]:
    """Return what is handed over at a moment."""
    return Delegation.objects.filter(
        revoked_at__isnull=True, starts_at__lte=now, ends_at__gt=now
    ).order_by("principal", "role")


def colleagues_of(user: User) -> QuerySet[User]:
    """Return the people to whom somebody may hand a duty: those of their own organisation."""
    people = User.objects.filter(is_active=True, organisation=user.organisation_id)
    if user.organisation_id is None:
        return people.none()
    return people.exclude(pk=user.pk).order_by("display_name", "username")


def duties_of(user: User) -> tuple[Role, ...]:
    """Return the duties somebody may hand over: their own, none that were handed to them."""
    if user.principal is not None:
        return ()
    return tuple(role for role in DELEGABLE if role in user.roles)


def standing_in(*, user: User, principal_id: int, now: datetime) -> User:
    """Return ``user`` as they stand in for a principal now; two queries.

    Their roles are those handed over that the principal still has. Raise DutyEnded where nothing
    is: expired, taken back, not begun, another organisation by now, or a principal who left.
    """
    duties = list(running(now).filter(colleague=user.pk, principal=principal_id))
    principal = User.objects.with_roles().filter(pk=principal_id, is_active=True).first()
    if not duties or principal is None or principal.organisation_id is None:
        raise DutyEnded
    roles = frozenset(Role(duty.role) for duty in duties) & principal.roles
    if not roles or principal.organisation_id != user.organisation_id:
        raise DutyEnded
    person = copy(user)
    person.__dict__["roles"] = roles
    person.principal = principal
    person.duties = tuple(duties)
    return person


# ── writing ───────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def duties_hand_over(
    *,
    principal: User,
    colleague: User,
    roles: Iterable[Role],
    starts_at: datetime,
    ends_at: datetime,
    actor: User,
    now: datetime,
    reason: str = "",
) -> list[Delegation]:
    """Hand duties to a colleague of the same organisation for a time; one row a role.

    The principal does so, or an administrator of the city in their stead. A moment that has passed
    becomes now.

    Raises:
        DomainError: ``role_refused`` 403 for anybody else, or somebody who stands in;
            ``invalid`` 400 for a role, person or time that cannot be; ``not_possible`` 409 where
            the duty is in somebody's hands in that time.
    """
    is_own = actor.pk == principal.pk and actor.principal is None
    is_administrator = may(actor.roles, CONFIGURE) and actor.city_id == principal.city_id
    if not is_own and not is_administrator:
        raise DomainError("role_refused", _("You hand over your own duties only."), status=403)
    wanted = list(dict.fromkeys(roles))
    if not wanted or any(role not in duties_of(principal) for role in wanted):
        raise _invalid("roles", _("Choose duties that are theirs and can be handed over."))
    if not colleagues_of(principal).filter(pk=colleague.pk).exists():
        raise _invalid("colleague", _("Choose a colleague of the same organisation."))
    starts_at = max(starts_at, now)
    if ends_at <= starts_at:
        raise _invalid("ends_at", _("It must end after it begins, and later than now."))
    if ends_at - starts_at > LONGEST:
        message = _("At most %(days)s days at a time.") % {"days": LONGEST.days}
        raise _invalid("ends_at", message)
    rows = [
        Delegation(
            principal=principal,
            colleague=colleague,
            role=role.value,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason.strip()[:200],
            given_by=actor,
            given_at=now,
        )
        for role in wanted
    ]
    try:
        with transaction.atomic():
            return Delegation.objects.bulk_create(rows)
    except IntegrityError as error:
        raise DomainError(
            "not_possible",
            _("In that time this duty is in somebody's hands already: take it back first."),
            status=409,
        ) from error


@transaction.atomic
def duty_take_back(*, delegation_id: int, actor: User, now: datetime) -> Delegation:
    """End what was handed over: by its principal, its colleague, or an administrator of the city.

    Raise DomainError ``not_found`` 404 for what is not theirs, ``not_possible`` 409 for what has
    ended.
    """
    own = Q(principal=actor.pk) | Q(colleague=actor.pk)
    if may(actor.roles, CONFIGURE):
        own |= Q(principal__city=actor.city_id)
    row = Delegation.objects.select_for_update(of=("self",)).filter(own, pk=delegation_id).first()
    if row is None:
        raise DomainError("not_found", _("There is no such duty."), status=404)
    if row.revoked_at is not None or row.ends_at <= now:
        raise DomainError("not_possible", _("This has ended already."), status=409)
    row.revoked_by_id, row.revoked_at = actor.pk, now
    row.save(update_fields=["revoked_by", "revoked_at"])
    return row


def _invalid(name: str, message: Sentence) -> DomainError:
    return DomainError("invalid", message, {name: [message]})
