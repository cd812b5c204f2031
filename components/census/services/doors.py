"""The doors to a survey and its parts: rows under lock, moves along the tables, refusals."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import User
from common.errors import DomainError
from common.text import clean_text
from components.census.models import Survey, SurveyPart
from components.census.workflow import PART_ACTIONS, SURVEY_ACTIONS


class NotThere(DomainError):
    """There is no such survey, or not for this person."""

    def __init__(self) -> None:
        super().__init__("not_found", _("There is no such survey."), status=404)


def survey_locked(survey_id: int) -> Survey:
    """Return a survey under its row's lock."""
    rows = Survey.objects.select_for_update(of=("self",)).select_related("city")
    survey = rows.filter(pk=survey_id).first()
    if survey is None:
        raise NotThere
    return survey


def part_locked(part_id: int) -> SurveyPart:
    """Return a part with its survey, both under their rows' locks."""
    found = SurveyPart.objects.filter(pk=part_id).values_list("survey_id", flat=True).first()
    if found is None:
        raise NotThere
    survey = survey_locked(found)
    part = SurveyPart.objects.select_for_update().get(pk=part_id)
    part.survey = survey
    return part


def survey_move(survey: Survey, action: str) -> None:
    """Move a survey along the table; raise ``not_possible`` 409 where there is no way."""
    sources, target = SURVEY_ACTIONS[action]
    if survey.state not in sources:
        raise not_possible(
            _("This cannot be done: the survey is “%(state)s”.")
            % {"state": survey.get_state_display()}
        )
    survey.state = target


def part_move(part: SurveyPart, action: str) -> None:
    """Move a part along the table; raise ``not_possible`` 409 where there is no way."""
    sources, target = PART_ACTIONS[action]
    if part.state not in sources:
        raise not_possible(
            _("This cannot be done: the part is “%(state)s”.") % {"state": part.get_state_display()}
        )
    part.state = target


def refuse_same_person(survey: Survey, actor: User) -> None:
    """Refuse whoever brought the survey: ``same_person`` 403."""
    if survey.uploaded_by_id == actor.pk:
        raise DomainError(
            "same_person", _("Nobody approves what they brought themselves."), status=403
        )


def need_reason(reason: str) -> None:
    """Refuse an act without a reason: ``missing_field`` 400."""
    if not clean_text(reason):
        raise DomainError("missing_field", _("Say why."), {"reason": [_("Say why.")]})


def not_possible(sentence: str) -> DomainError:
    """Return the refusal of an act that the state does not allow."""
    return DomainError("not_possible", sentence, status=409)
