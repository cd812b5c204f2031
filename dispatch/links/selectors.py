"""Reading links: what their page shows, what waits in a case, how contractors do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.models import Case, CasePhoto, Photo, SubOrder
from cases.situation import Situation
from cases.workflow import State
from common.errors import DomainError
from common.rows import one_or_none
from dispatch.links.tokens import token_digest
from dispatch.models import Contractor, ContractorLink, LinkAnswer

WORK_GOES_ON = frozenset({State.DISPATCHED, State.HANDLING})


class LinkNotFound(DomainError):
    """No such link, or one that is over: both look the same."""

    def __init__(self) -> None:
        super().__init__("not_found", _("This link is not valid, or no longer."), status=404)


class Stage(StrEnum):
    """What the page of a link asks of the contractor now."""

    OPEN = "open"
    RESTING = "resting"  # the case rests: nothing can be sent
    WAITING = "waiting"  # answered, the department looks at it
    TAKEN = "taken"  # the department has completed the order


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A link that may be shown, with what its page tells."""

    link: ContractorLink
    stage: Stage
    answer: LinkAnswer | None
    rejected: LinkAnswer | None

    @property
    def case(self) -> Case:
        """The case the order belongs to."""
        return self.link.order.case


def link_page(*, token: str, now: datetime) -> LinkPage:
    """Return what the page of a token shows: at most two queries.

    Raises:
        LinkNotFound: nobody was given this token, or the link was revoked, has expired, or belongs
            to an order that was taken back or done without it.
    """
    digest = token_digest(token)
    rows = ContractorLink.objects.filter(
        token_digest=digest, ended_at__isnull=True, expires_at__gt=now, order__ended_at__isnull=True
    ).select_related("contractor", "order__case__type", "order__organisation", "sent_by")
    link = one_or_none(rows) if digest else None
    if link is None:
        raise LinkNotFound
    answers = list(link.answers.prefetch_related("photos"))
    standing = next((answer for answer in answers if answer.rejected_at is None), None)
    rejected = next((answer for answer in reversed(answers) if answer.rejected_at), None)
    return LinkPage(link, _stage(link, standing), standing, rejected)


def _stage(link: ContractorLink, standing: LinkAnswer | None) -> Stage:
    if link.order.completed_at is not None:
        if standing is None:
            raise LinkNotFound  # done by others
        return Stage.TAKEN
    if standing is not None:
        return Stage.WAITING
    return Stage.OPEN if link.order.case.state in WORK_GOES_ON else Stage.RESTING


def shown_photos(page: LinkPage) -> list[Photo]:
    """Return the photos a link's page may show: the report's, and what was sent through it."""
    uses = CasePhoto.objects.filter(case=page.case, purpose=CasePhoto.Purpose.BEFORE)
    sent = Photo.objects.filter(
        pk__in=LinkAnswer.photos.through.objects.filter(linkanswer__link=page.link).values("photo")
    )
    return list(Photo.objects.filter(pk__in=uses.values("photo")) | sent)


def order_in_hand(case: Case, user: User, now: datetime) -> SubOrder | None:
    """Return the order of a case that this person works on, still to be done; None without one."""
    order = Situation(case, user, now).order_in_hand
    return order if order is not None and order.is_under_way else None


def link_of(order: SubOrder, now: datetime) -> ContractorLink | None:
    """Return the open link of an order that is good, or was answered while it was."""
    answered = LinkAnswer.objects.filter(link=OuterRef("pk"), rejected_at__isnull=True)
    rows = order.links.filter(Q(expires_at__gt=now) | Exists(answered), ended_at__isnull=True)
    return one_or_none(rows.select_related("contractor", "sent_by", "order"))


def standing_answer(link: ContractorLink | None) -> LinkAnswer | None:
    """Return the answer the department has not rejected."""
    if link is None:
        return None
    return one_or_none(link.answers.filter(rejected_at__isnull=True).prefetch_related("photos"))


def contractors_of(body: Organisation | None) -> QuerySet[Contractor]:
    """Return the contractors of a body and of those below it."""
    if body is None:
        return Contractor.objects.none()
    return Contractor.objects.filter(department__path__startswith=body.path)


def answered_links(user: User) -> Q:
    """Condition on cases: a contractor's answer waits for the reader's department or squad."""
    path = user.organisation.path if user.organisation else "-"
    waiting = LinkAnswer.objects.filter(
        Q(link__order__organisation__path__startswith=path)
        | Q(link__order__squad__path__startswith=path),
        rejected_at__isnull=True,
        link__ended_at__isnull=True,
        link__order__ended_at__isnull=True,
        link__order__completed_at__isnull=True,
    )
    return Q(pk__in=waiting.order_by().values("link__order__case_id"))


def contractor_rows(body: Organisation | None, now: datetime) -> QuerySet[Contractor, Any]:
    """Return each contractor with its counts: sent, open, answered, in time, rejected; one query.

    Answered means at least once; in time, that the first answer came by the deadline it was given.
    """
    first = (
        LinkAnswer.objects.filter(link=OuterRef("links")).order_by("pk").values("answered_at")[:1]
    )
    links = contractors_of(body).select_related("department")
    rejected = LinkAnswer.objects.filter(link=OuterRef("links"), rejected_at__isnull=False)
    is_open = Q(
        links__ended_at__isnull=True,
        links__expires_at__gt=now,
        links__order__ended_at__isnull=True,
        links__order__completed_at__isnull=True,
    )
    return (
        links.annotate(first_at=first, was_rejected=Exists(rejected))
        .values("pk", "name", "contact", "phone", "is_active", "department__name")
        .annotate(
            sent=Count("links"),
            open=Count("links", filter=is_open),
            answered=Count("links", filter=Q(first_at__isnull=False)),
            in_time=Count("links", filter=Q(first_at__lte=F("links__due_at"))),
            rejected=Count("links", filter=Q(was_rejected=True)),
        )
        .order_by("-is_active", "name")
    )
