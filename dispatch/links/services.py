"""Writing links: sent, answered without an account, rejected, revoked.

Each step walks its row of the workflow table in the same transaction, so that the case's history
tells of it; the row of a link and the case are locked in one order, the case first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from cases.errors import ActionRefused, CaseNotFound, invalid, missing_field
from cases.fields import MAX_PHOTOS, MAX_TEXT, read_text
from cases.models import Case, Photo, SubOrder
from cases.services import case_act, photo_store
from cases.services.photos import photo_copy
from cases.situation import Situation
from common.errors import DomainError
from dispatch.links.selectors import LinkNotFound, Stage, contractors_of, link_page
from dispatch.links.tokens import token_digest, token_new
from dispatch.models import Contractor, ContractorLink, LinkAnswer

MOST_DAYS = 30


class LinkOpen(DomainError):
    """The order has an open link already."""

    def __init__(self, link: ContractorLink) -> None:
        message = _(
            "%(contractor)s has an open link to this order. Revoke it before sending another."
        )
        super().__init__("link_open", message % {"contractor": link.contractor}, status=409)


class AnswerStands(DomainError):
    """The contractor has answered; the department decides before anything else is sent."""

    def __init__(self) -> None:
        super().__init__("answered", _("An answer was sent already. Thank you."), status=409)


class NoAnswer(DomainError):
    """There is no answer to decide about."""

    def __init__(self) -> None:
        super().__init__("not_possible", _("There is no answer to decide about."), status=409)


@transaction.atomic
def contractor_add(
    *, actor: User, department: Organisation, name: str, contact: str = "", phone: str = ""
) -> Contractor:
    """Return the contractor of this name of a department, new or known; its contact is renewed.

    Raises ActionRefused ``role_refused``-like ``invalid`` 400 for a department that is not the
    actor's, and for a name that is empty or too long.
    """
    if actor.organisation is None or not department.contains(actor.organisation):
        raise invalid("contractor", _("This department is not yours."))
    name = read_text("name", name, 80)
    if not name:
        raise missing_field("name")
    contractor, _created = Contractor.objects.get_or_create(department=department, name=name)
    contractor.contact = read_text("contact", contact, 40) or contractor.contact
    contractor.phone = read_text("phone", phone, 30) or contractor.phone
    contractor.is_active = True
    contractor.save(update_fields=["contact", "phone", "is_active"])
    return contractor


@transaction.atomic
def contractor_switch(*, actor: User, contractor_id: int, is_active: bool) -> Contractor:
    """Offer a contractor no longer, or again; its links go on. Raise LinkNotFound for others'."""
    contractor = contractors_of(actor.organisation).filter(pk=contractor_id).first()
    if contractor is None:
        raise LinkNotFound
    contractor.is_active = is_active
    contractor.save(update_fields=["is_active"])
    return contractor


@transaction.atomic
def link_send(
    *,
    case_id: int,
    actor: User,
    contractor: Contractor,
    task: str,
    days: int,
    now: datetime,
    version: int | None = None,
) -> tuple[ContractorLink, str]:
    """Open a link to the order this person has in hand; return it with its token, shown once.

    Raises:
        CaseNotFound: 404. ActionRefused: as the door. LinkOpen: 409, one at a time an order.
    """
    order = _order_locked(case_id, actor, now)
    link = None
    if order is not None:
        link, token = _open_link(order, actor, contractor, task, days, now)
    case_act(  # refuses in its usual order where there is no order in hand
        case_id=case_id,
        action="send_link",
        actor=actor,
        now=now,
        version=version,
        link=link.pk if link else None,
    )
    assert link is not None
    return link, token


def _order_locked(case_id: int, actor: User, now: datetime) -> SubOrder | None:
    """Lock a case this person may see and return the order in hand, still to be done."""
    case = Case.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=case_id).first()
    if case is None:
        raise CaseNotFound
    order = Situation(case, actor, now).order_in_hand
    return order if order is not None and order.is_under_way else None


def _open_link(
    order: SubOrder, actor: User, contractor: Contractor, task: str, days: int, now: datetime
) -> tuple[ContractorLink, str]:
    words = read_text("task", task, MAX_TEXT)
    if not words:
        raise missing_field("task")
    if not 1 <= days <= MOST_DAYS:
        raise invalid("days", _("A link is good for 1 to %(days)s days.") % {"days": MOST_DAYS})
    if not contractor.is_active or not order.organisation.contains(contractor.department):
        raise invalid("contractor", _("This contractor does not work for the department."))
    _close_expired(order, now)
    token = token_new()
    clock = order.case.clocks.filter(
        kind="handle", sub_order=None if order.is_lead else order, stopped_at__isnull=True
    ).first()
    link = ContractorLink.objects.create(
        order=order,
        contractor=contractor,
        token_digest=token_digest(token),
        task=words,
        sent_by=actor,
        sent_at=now,
        due_at=clock.due_at if clock else None,
        expires_at=now + timedelta(days=days),
    )
    return link, token


def _close_expired(order: SubOrder, now: datetime) -> None:
    """Make room for another link; raise LinkOpen while one is good."""
    last = order.links.filter(ended_at__isnull=True).select_related("contractor").first()
    if last is None:
        return
    if last.expires_at > now:
        raise LinkOpen(last)
    _end(last, ContractorLink.Outcome.EXPIRED, last.expires_at)


def _end(link: ContractorLink, outcome: str, at: datetime) -> None:
    link.ended_at, link.outcome = at, outcome
    link.save(update_fields=["ended_at", "outcome"])


@transaction.atomic
def link_revoke(
    *, case_id: int, actor: User, now: datetime, version: int | None = None
) -> ContractorLink:
    """End the open link of the order in hand; its page is gone at once."""
    link = _link_locked(case_id, actor, now)
    case_act(
        case_id=case_id, action="revoke_link", actor=actor, now=now, version=version, link=link.pk
    )
    _end(link, ContractorLink.Outcome.REVOKED, now)
    return link


def _link_locked(case_id: int, actor: User, now: datetime) -> ContractorLink:
    """Return the open link of the order in hand; raise LinkNotFound where there is none."""
    order = _order_locked(case_id, actor, now)
    link = order.links.filter(ended_at__isnull=True).first() if order else None
    if link is None:
        raise LinkNotFound
    return link


@transaction.atomic
def answer_reject(
    *, case_id: int, actor: User, reason: str, now: datetime, version: int | None = None
) -> ContractorLink:
    """Say why the answer will not do and let the contractor answer again by the same link.

    The link is good for as long again as it was when it was sent.
    """
    link = _link_locked(case_id, actor, now)
    answer = link.answers.filter(rejected_at__isnull=True).first()
    if answer is None:
        raise NoAnswer
    case_act(
        case_id=case_id,
        action="reopen_link",
        actor=actor,
        now=now,
        version=version,
        link=link.pk,
        reason=reason,
    )
    earlier = link.answers.aggregate(last=Max("rejected_at"))["last"]  # it began anew then
    link.expires_at = now + (link.expires_at - (earlier or link.sent_at))
    link.save(update_fields=["expires_at"])
    answer.rejected_at, answer.rejected_by = now, actor
    answer.rejection = read_text("reason", reason)
    answer.save(update_fields=["rejected_at", "rejected_by", "rejection"])
    return link


def link_answer(
    *,
    token: str,
    key: str,
    outcome: str,
    note: str,
    uploads: Sequence[BinaryIO],
    now: datetime,
) -> LinkAnswer:
    """Take a contractor's answer, once however often the same form is sent.

    Raises:
        LinkNotFound: 404, nobody was given this token or the link is over.
        AnswerStands: 409, another answer waits for the department or was taken.
        ActionRefused, PhotoRefused: 400, what is missing or cannot be used.
    """
    case_id = link_page(token=token, now=now).case.pk
    with transaction.atomic():
        Case.objects.select_for_update(of=("self",)).get(pk=case_id)
        page = link_page(token=token, now=now)
        known = page.link.answers.filter(key=key).first()
        if known is not None:
            return known
        if page.stage is not Stage.OPEN:
            raise AnswerStands if page.answer else LinkNotFound
        return _take_answer(page.link, key, outcome, note, uploads, now)


def _take_answer(
    link: ContractorLink,
    key: str,
    outcome: str,
    note: str,
    uploads: Sequence[BinaryIO],
    now: datetime,
) -> LinkAnswer:
    words = read_text("note", note)
    if outcome not in LinkAnswer.Outcome.values:
        raise missing_field("outcome")
    if not words:
        raise missing_field("note")
    if outcome == LinkAnswer.Outcome.DONE and not uploads:
        raise missing_field("photos")
    if len(uploads) > MAX_PHOTOS:
        raise invalid("photos", _("At most %(count)d photos.") % {"count": MAX_PHOTOS})
    photos = [photo_store(owner=None, upload=upload, now=now) for upload in uploads]
    try:
        case_act(
            case_id=link.order.case_id,
            action="answer_link",
            actor=None,
            now=now,
            link=link.pk,
            answer=outcome,
            note=words,
            photos=[photo.pk for photo in photos],
        )
    except ActionRefused as refused:
        if refused.code == "not_possible":
            raise LinkNotFound from refused
        raise
    answer = LinkAnswer.objects.create(
        link=link, key=key, outcome=outcome, note=words, answered_at=now
    )
    answer.photos.set(photos)
    return answer


def link_opened(*, link: ContractorLink, now: datetime) -> None:
    """Remember when the contractor saw the order first."""
    ContractorLink.objects.filter(pk=link.pk, opened_at__isnull=True).update(opened_at=now)


def answer_photos_copy(*, answer: LinkAnswer, owner: User, now: datetime) -> list[Photo]:
    """Give whoever completes the order photos of their own of what the contractor sent."""
    return [photo_copy(photo=photo, owner=owner, now=now) for photo in answer.photos.all()]
