"""The bodies a survey names confirm what is theirs; silence until the date is recorded as such."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.errors import DomainError
from components.census.models import SurveyFinding
from components.census.services import confirmations_expire, parts_approve, survey_confirm
from components.models import Component
from tests.cast import NOW

HEADERS = "资产编号,部件名称,主管部门,养护单位,经度,纬度"


@pytest.fixture
def survey(census):
    """Four trees: all of the gardens', two maintained by the water company."""
    rows = "".join(
        f"T{number},行道树,gardens,{body},{census.lon},{census.lat(number * 5)}\n"
        for number, body in enumerate(("", "", "water", "water"), 1)
    )
    return census.submit(census.read(f"{HEADERS}\n{rows}"), days=10)


def confirm(cast, survey, who, body, **more):
    return survey_confirm(
        actor=cast.people[who], survey_id=survey.pk, organisation=cast.bodies[body], now=NOW, **more
    )


def test_each_body_is_asked_for_its_rows(survey):
    asked = {row.organisation.code: row.row_count for row in survey.confirmations.all()}
    assert asked == {"gardens": 4, "water": 2}
    assert survey.state == "confirming"


def test_once_all_have_spoken_the_review_begins(cast, census, survey):
    confirm(cast, survey, "clerk_hua", "gardens")
    survey.refresh_from_db()
    assert survey.state == "confirming"
    confirm(cast, survey, "clerk_shui", "water", objections={4: "not ours"})
    survey.refresh_from_db()
    assert survey.state == "reviewing"
    refused = SurveyFinding.objects.filter(survey=survey, is_accepted=False)
    assert [row.line for row in refused] == [4]
    parts_approve(actor=cast.supervisor_zhao, survey_id=survey.pk, now=NOW)
    census.work(survey)
    assert Component.objects.filter(source="census").count() == 3


def test_nobody_speaks_for_another_body_nor_twice(cast, survey):
    with pytest.raises(DomainError) as refused:
        confirm(cast, survey, "clerk_sun", "gardens")
    assert refused.value.status == 404
    with pytest.raises(DomainError, match="not yours: 2"):
        confirm(cast, survey, "clerk_shui", "water", objections={2: "not ours"})
    with pytest.raises(DomainError, match="why you object"):
        confirm(cast, survey, "clerk_shui", "water", objections={4: " "})
    confirm(cast, survey, "clerk_shui", "water")
    with pytest.raises(DomainError, match="no longer waiting"):
        confirm(cast, survey, "clerk_shui", "water")


def test_silence_is_recorded_when_the_date_has_passed(cast, survey):
    confirm(cast, survey, "clerk_shui", "water")
    assert confirmations_expire(now=NOW + timedelta(days=10)) == 0
    assert confirmations_expire(now=NOW + timedelta(days=11)) == 1
    survey.refresh_from_db()
    answers = {row.organisation.code: row.answer for row in survey.confirmations.all()}
    assert answers == {"gardens": "silent", "water": "confirmed"}
    assert survey.state == "reviewing"
    with pytest.raises(DomainError, match="no longer waiting"):
        confirm(cast, survey, "clerk_hua", "gardens")
