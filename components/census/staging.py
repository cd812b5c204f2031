"""What a survey's work leaves behind, and how long: lines, rows, words and findings of a file.

They are forgotten before they are made anew, and for good some months after the survey has ended.
Then these stay: the survey with its counts, its parts and who decided what, what bodies said; rows
with errors, as long as the error report tells of them; rows that bodies objected to; and the
findings of what was published, by which it can still be rolled back (``steps/undo.py`` needs no
more than these and the register's own history).
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from components.census.models import (
    Survey,
    SurveyFinding,
    SurveyLine,
    SurveyPart,
    SurveyRow,
    SurveyWord,
)
from components.census.report import MOST_ROWS
from components.census.steps.progress import changed_by, manners_set, statement, table_make
from components.census.workflow import DECIDED, ENDED, PARTS_WORKING, PartState

STEP = 50_000  # lines removed in a transaction

# Uses survey_row_bad.
_KEPT = """
SELECT line FROM (
    SELECT line FROM components_surveyrow
    WHERE survey_id = %(survey)s AND problems <> '{}' ORDER BY line LIMIT %(reported)s
) AS reported
UNION
SELECT objection.line FROM components_surveyobjection AS objection
JOIN components_surveyconfirmation AS asked ON asked.id = objection.confirmation_id
WHERE asked.survey_id = %(survey)s
"""
_UPTO = """
SELECT max(line) FROM (
    SELECT line FROM components_surveyline
    WHERE survey_id = %(survey)s AND line > %(after)s ORDER BY line LIMIT %(step)s
) AS next
"""
_REMOVE = """
DELETE FROM {table} AS old
WHERE survey_id = %(survey)s AND line > %(after)s AND line <= %(upto)s
    AND NOT EXISTS (SELECT FROM kept WHERE kept.line = old.line)
"""
_TABLES = ("components_surveyrow", "components_surveyline")


def survey_forget(survey_id: int) -> None:
    """Remove what was read of a survey, before it is read again."""
    for model in (SurveyLine, SurveyWord):
        model.objects.filter(survey=survey_id).delete()
    findings_forget(survey_id)


def findings_forget(survey_id: int) -> None:
    """Remove what was found, except where it is in the register already."""
    SurveyRow.objects.filter(survey=survey_id).delete()
    SurveyWord.objects.filter(survey=survey_id).delete()
    kept = communities_published(survey_id)
    SurveyFinding.objects.filter(survey=survey_id).exclude(community_id__in=kept).delete()
    SurveyPart.objects.filter(survey=survey_id).exclude(community_id__in=kept).delete()


def communities_published(survey_id: int) -> list[int]:
    """Return the communities of which a survey has written into the register."""
    decided = SurveyPart.objects.filter(survey=survey_id, state__in=DECIDED)
    return list(decided.exclude(state=PartState.SENT_BACK).values_list("community_id", flat=True))


def surveys_shrink(*, now: datetime, seconds: float | None = None) -> int:
    """Remove the rows of surveys that ended long enough ago; return how many surveys are done.

    What is not done in the time is left to the next call.
    """
    end = None if seconds is None else time.monotonic() + seconds
    before = now - timedelta(days=settings.CENSUS_KEPT_DAYS)
    due = Survey.objects.filter(state__in=ENDED, ended_at__lt=before, rows_removed_at=None)
    done = 0
    for survey_id in due.order_by("ended_at").values_list("pk", flat=True):
        after: int | None = 0
        while after is not None:
            if end is not None and time.monotonic() > end:
                return done
            after = _step(survey_id, after, before=before, now=now)
        done += Survey.objects.filter(pk=survey_id, rows_removed_at=now).count()
    return done


@transaction.atomic
def _step(survey_id: int, after: int, *, before: datetime, now: datetime) -> int | None:
    """Remove what may go of the next lines; return the last one's number, None when all is done.

    The survey is locked meanwhile: who starts it again, or rolls a part back, waits for a moment.
    A survey that somebody has is left alone.
    """
    survey = (
        Survey.objects.select_for_update(skip_locked=True)
        .filter(pk=survey_id, state__in=ENDED, ended_at__lt=before, rows_removed_at=None)
        .first()
    )
    if survey is None or survey.parts.filter(state__in=PARTS_WORKING).exists():
        return None
    manners_set()
    values = {"survey": survey_id, "after": after, "step": STEP, "reported": MOST_ROWS}
    upto = statement(_UPTO, values)[0][0]
    if upto is not None:
        table_make("kept", _KEPT, values)
        for table in _TABLES:
            changed_by(_REMOVE.format(table=table), values | {"upto": upto})
        return int(upto)
    SurveyWord.objects.filter(survey=survey_id).delete()
    findings = SurveyFinding.objects.filter(survey=survey_id)
    findings.exclude(community_id__in=communities_published(survey_id)).delete()
    survey.rows_removed_at = now
    survey.save(update_fields=["rows_removed_at"])
    return None
