"""Rows of a survey that ended long ago are forgotten; what people decided, and can undo, is not."""

from __future__ import annotations

import io
from datetime import timedelta

from components.census.models import SurveyFinding, SurveyLine, SurveyRow, SurveyWord
from components.census.report import report_write
from components.census.selectors import bad_rows, problem_counts
from components.census.services import part_roll_back, survey_cancel, survey_start
from components.census.staging import surveys_shrink
from components.models import Component
from tests.api.census.conftest import HEADERS
from tests.cast import NOW

LONG_AFTER = NOW + timedelta(days=181)
BAD = "坏,没有的,完好,0,0"


def staged(survey) -> tuple[int, ...]:
    kinds = (SurveyLine, SurveyRow, SurveyWord, SurveyFinding)
    return tuple(kind.objects.filter(survey=survey).count() for kind in kinds)


def test_a_published_survey_keeps_its_errors_and_can_be_rolled_back(census, cast, register):
    before = register()
    survey = census.publish(census.read(f"{HEADERS}\n{census.rows(10)}{BAD}\n"))
    waiting = census.read(f"{HEADERS}\n{census.rows(2, first=20)}", name="other.csv")
    whole = staged(survey), staged(waiting)
    assert surveys_shrink(now=NOW + timedelta(days=179)) == 0
    assert (staged(survey), staged(waiting)) == whole

    assert surveys_shrink(now=LONG_AFTER) == 1
    assert staged(survey) == (1, 1, 0, 10)
    assert staged(waiting) == whole[1], "a survey that has not ended keeps everything"
    assert surveys_shrink(now=LONG_AFTER) == 0
    survey.refresh_from_db()
    assert (survey.line_count, survey.bad_count, survey.rows_removed_at) == (11, 1, LONG_AFTER)
    assert [line for line, _texts, _problems in bad_rows(survey)] == [12]
    assert problem_counts(survey)
    assert report_write(survey, io.BytesIO()) == 1

    part = survey.parts.get()
    assert (part.new_count, part.decided_by) == (10, cast.supervisor_zhao)
    part_roll_back(actor=cast.supervisor_zhao, part_id=part.pk, now=LONG_AFTER, reason="wrong")
    census.work(survey)
    part.refresh_from_db()
    assert (part.state, part.error) == ("rolled_back", "")
    assert register() == before


def test_a_cancelled_survey_is_forgotten_and_can_be_started_again(census, cast):
    survey = census.read(f"{HEADERS}\n{census.rows(3)}")
    survey_cancel(actor=cast.administrator_bai, survey_id=survey.pk, now=NOW)
    assert surveys_shrink(now=LONG_AFTER) == 1
    assert staged(survey) == (0, 0, 0, 0)
    survey_start(actor=cast.administrator_bai, survey_id=survey.pk, now=LONG_AFTER)
    survey = census.work(survey)
    assert (survey.state, survey.rows_removed_at) == ("checked", None)
    assert staged(survey)[:2] == (3, 3)
    assert not Component.objects.filter(source="census").exists()
