"""Confirming: the bodies a survey names say which rows are theirs; silence is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from common.errors import DomainError
from common.text import clean_text
from components.census.models import (
    Survey,
    SurveyConfirmation,
    SurveyFinding,
    SurveyObjection,
)
from components.census.services.doors import (
    NotThere,
    not_possible,
    survey_locked,
    survey_move,
)
from components.census.services.reviewing import review_begin
from components.census.steps.progress import statement
from components.census.workflow import SurveyState


@transaction.atomic
def survey_submit(*, actor: User, survey_id: int, now: datetime, days: int | None = None) -> Survey:
    """Ask the bodies named in a survey to confirm what is theirs, until a date.

    With no body to ask, or no days to wait, it goes on to review at once.
    """
    survey = survey_locked(survey_id)
    survey_move(survey, "submit")
    days = settings.CENSUS_CONFIRMING_DAYS if days is None else days
    survey.submitted_at = now
    survey.confirm_by_date = timezone.localdate(now) + timedelta(days=days)
    survey.save()
    if days > 0:
        statement(_ASK, {"survey": survey.pk})
    if not survey.confirmations.exists():
        review_begin(survey, now=now)
    return survey


# Who is named: by a row that differs from the register, or whose component that is now.
_ASK = """
INSERT INTO components_surveyconfirmation (survey_id, organisation_id, row_count, answer, note)
SELECT %(survey)s, body, count(*), 'open', ''
FROM (
    SELECT DISTINCT row.line, body FROM components_surveyfinding AS finding
    JOIN components_surveyrow AS row
        ON row.survey_id = finding.survey_id AND row.line = finding.line
    CROSS JOIN LATERAL unnest(
        ARRAY[row.competent_body_id, row.owner_id, row.maintainer_id]) AS body
    WHERE finding.survey_id = %(survey)s AND body IS NOT NULL
) AS named
GROUP BY body
ON CONFLICT (survey_id, organisation_id) DO NOTHING
"""


@transaction.atomic
def survey_confirm(
    *,
    actor: User,
    survey_id: int,
    organisation: Organisation,
    now: datetime,
    objections: Mapping[int, str] | None = None,
    note: str = "",
) -> SurveyConfirmation:
    """Record a body's word on its rows: all of them, or all but some.

    What it objects to is refused until a reviewer accepts it all the same.
    Raise DomainError ``not_possible`` 409 once it has spoken or the time is over.
    """
    survey = survey_locked(survey_id)
    asked = survey.confirmations.filter(organisation=organisation).first()
    if asked is None or not may_speak_for(actor, organisation):
        raise NotThere
    if survey.state != SurveyState.CONFIRMING or asked.answer != SurveyConfirmation.Answer.OPEN:
        raise not_possible(_("This is no longer waiting for your word."))
    objections = {line: clean_text(reason) for line, reason in (objections or {}).items()}
    _check_objections(survey, organisation, objections)
    SurveyObjection.objects.bulk_create(
        SurveyObjection(confirmation=asked, line=line, reason=reason)
        for line, reason in objections.items()
    )
    SurveyFinding.objects.filter(survey=survey, line__in=list(objections)).update(is_accepted=False)
    answers = SurveyConfirmation.Answer
    asked.answer = answers.OBJECTED if objections else answers.CONFIRMED
    asked.answered_by, asked.answered_at, asked.note = actor, now, clean_text(note)
    asked.save()
    if not survey.confirmations.filter(answer=answers.OPEN).exists():
        review_begin(survey, now=now)
    return asked


def _check_objections(
    survey: Survey, organisation: Organisation, objections: Mapping[int, str]
) -> None:
    if not objections:
        return
    if not all(objections.values()):
        raise DomainError("invalid", _("Say why you object."), {"reason": [_("Say why.")]})
    found = statement(
        "SELECT line FROM components_surveyrow WHERE survey_id = %(survey)s"
        " AND line = ANY (%(lines)s)"
        " AND %(body)s IN (competent_body_id, owner_id, maintainer_id)",
        {"survey": survey.pk, "lines": list(objections), "body": organisation.pk},
    )
    if unknown := objections.keys() - {line for (line,) in found}:
        raise DomainError(
            "invalid",
            _("These rows are not yours: %(rows)s.")
            % {"rows": ", ".join(map(str, sorted(unknown)[:5]))},
        )


def may_speak_for(actor: User, organisation: Organisation) -> bool:
    """Tell whether a person's own body is the one, or has it below itself."""
    return actor.organisation is not None and actor.organisation.contains(organisation)


def silence_record(survey: Survey, *, now: datetime) -> int:
    """Record that bodies said nothing until the date, and go on; returns how many."""
    answers = SurveyConfirmation.Answer
    silent = survey.confirmations.filter(answer=answers.OPEN)
    count = silent.update(answer=answers.SILENT, answered_at=now)
    review_begin(survey, now=now)
    return count


def confirmations_expire(*, now: datetime) -> int:
    """Go on with the surveys whose date for confirming has passed; returns how many."""
    today = timezone.localdate(now)
    due = Survey.objects.filter(state=SurveyState.CONFIRMING, confirm_by_date__lt=today)
    ended = 0
    for survey_id in due.values_list("pk", flat=True):
        with transaction.atomic():
            free = Survey.objects.select_for_update(skip_locked=True).filter(pk=survey_id)
            survey = free.first()
            if survey is not None and survey.state == SurveyState.CONFIRMING:
                silence_record(survey, now=now)
                ended += 1
    return ended
