"""Reviewing: findings are accepted or refused, parts approved, sent back, rolled back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.text import clean_text
from components.census.models import Survey, SurveyFinding, SurveyPart
from components.census.publish import work_later
from components.census.services.doors import (
    need_reason,
    not_possible,
    part_locked,
    part_move,
    refuse_same_person,
    survey_locked,
    survey_move,
)
from components.census.workflow import DECIDED, PUBLISHERS, FindingKind, PartState, SurveyState


def review_begin(survey: Survey, *, now: datetime) -> None:
    """Let reviewers have a survey; one without differences is done."""
    survey_move(survey, "review")
    if not survey.parts.exists():
        survey.state, survey.ended_at = SurveyState.PUBLISHED, now
    survey.save()
    for part in survey.parts.filter(state=PartState.WAITING).order_by("community_id"):
        _claim(part, now)


def _claim(part: SurveyPart, now: datetime) -> bool:
    """Put a part under review unless its community is under another's already."""
    try:
        with transaction.atomic():
            part.state, part.claimed_at = PartState.REVIEWING, now
            part.save(update_fields=["state", "claimed_at"])
    except IntegrityError:
        part.state = PartState.WAITING
        return False
    return True


@transaction.atomic
def part_claim(*, actor: User, part_id: int, now: datetime) -> SurveyPart:
    """Put a part under review that had to wait for another survey of its community.

    Raise DomainError ``under_review`` 409, which names who has it and since when.
    """
    part = part_locked(part_id)
    if part.state != PartState.WAITING or part.survey.state != SurveyState.REVIEWING:
        raise not_possible(_("This part is not waiting for its review."))
    if not _claim(part, now):
        raise under_review(part.community_id)
    return part


def under_review(community_id: int) -> DomainError:
    """Return the refusal that says in which survey a community is under review, whose, since."""
    other = (
        SurveyPart.objects.filter(
            community=community_id, state__in=(PartState.REVIEWING, PartState.APPROVED)
        )
        .select_related("survey__uploaded_by", "community")
        .first()
    )
    if other is None:
        return not_possible(_("Please try again."))
    return DomainError(
        "under_review",
        _("%(community)s is under review in survey %(number)s of %(person)s since %(time)s.")
        % {
            "community": other.community.name,
            "number": other.survey_id,
            "person": other.survey.uploaded_by,
            "time": f"{timezone.localtime(other.claimed_at):%Y-%m-%d %H:%M}"
            if other.claimed_at
            else "–",
        },
        status=409,
    )


@transaction.atomic
def findings_decide(
    *,
    actor: User,
    part_id: int,
    is_accepted: bool,
    kind: str = "",
    type_id: int | None = None,
    findings: Iterable[int] | None = None,
) -> int:
    """Accept or refuse findings of a part: all of a kind, of a type, or single ones."""
    part = part_locked(part_id)
    if part.state not in (PartState.WAITING, PartState.REVIEWING):
        raise not_possible(_("This part has been decided already."))
    found = SurveyFinding.objects.filter(survey=part.survey_id, community_id=part.community_id)
    if kind:
        if kind not in FindingKind.values:
            message = _("Choose one of: %(values)s.") % {"values": ", ".join(FindingKind.values)}
            raise DomainError("invalid", message, {"kind": [message]})
        found = found.filter(kind=kind)
    if type_id:
        found = found.filter(type_id=type_id)
    if findings is not None:
        found = found.filter(pk__in=list(findings))
    return found.update(is_accepted=is_accepted)


@transaction.atomic
def part_approve(*, actor: User, part_id: int, now: datetime, reason: str = "") -> SurveyPart:
    """Approve a part: a worker publishes what was accepted of it, whole or not at all.

    Nobody approves what they brought: DomainError ``same_person`` 403.
    """
    part = part_locked(part_id)
    part_move(part, "approve")
    refuse_same_person(part.survey, actor)
    _decided(part, actor, now, reason)
    work_later(part.survey_id)
    return part


@transaction.atomic
def parts_approve(
    *, actor: User, survey_id: int, now: datetime, reason: str = "", parts: Iterable[int] = ()
) -> int:
    """Approve many parts of a survey that are under review, all of them by default."""
    survey = survey_locked(survey_id)
    refuse_same_person(survey, actor)
    found = survey.parts.filter(state=PartState.REVIEWING)
    if wanted := list(parts):
        found = found.filter(pk__in=wanted)
    count = found.update(
        state=PartState.APPROVED,
        decided_by=actor,
        decided_at=now,
        reason=clean_text(reason),
        error="",
    )
    if not count:
        raise not_possible(_("There is nothing to approve."))
    work_later(survey.pk, workers=min(count, PUBLISHERS))
    return count


@transaction.atomic
def part_send_back(*, actor: User, part_id: int, now: datetime, reason: str) -> SurveyPart:
    """Send a part back with a reason: nothing of it reaches the register."""
    part = part_locked(part_id)
    part_move(part, "send_back")
    need_reason(reason)
    _decided(part, actor, now, reason)
    survey = part.survey
    if not survey.parts.exclude(state__in=DECIDED).exists():
        survey.state, survey.ended_at = SurveyState.PUBLISHED, now
        survey.save(update_fields=["state", "ended_at"])
    return part


@transaction.atomic
def part_roll_back(*, actor: User, part_id: int, now: datetime, reason: str) -> SurveyPart:
    """Take a published part out of the register again, as one; a worker does it.

    It is refused with a sentence when later changes depend on it.
    """
    part = part_locked(part_id)
    part_move(part, "roll_back")
    need_reason(reason)
    part.undone_by, part.undo_reason, part.error = actor, clean_text(reason), ""
    part.save()
    work_later(part.survey_id)
    return part


def _decided(part: SurveyPart, actor: User, now: datetime, reason: str) -> None:
    part.decided_by, part.decided_at, part.error = actor, now, ""
    part.reason = clean_text(reason)
    part.save()
