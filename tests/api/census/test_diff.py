"""A second survey is a difference, decided bit by bit; what was published can be taken back."""

from __future__ import annotations

import pytest

from cases.services import case_report
from common.errors import DomainError
from components.census.models import SurveyFinding, WithdrawnCode
from components.census.services import (
    findings_decide,
    part_approve,
    part_roll_back,
    survey_compare,
)
from components.models import CodeCounter, Component
from components.services import component_update
from tests.api.census.conftest import HEADERS
from tests.cast import NOW


@pytest.fixture
def first(census):
    """Publish ten covers, every three metres."""
    return census.publish(census.read(f"{HEADERS}\n{census.rows(10)}"))


def second_text(census) -> str:
    """Return a survey in which 1-3 are as before, 4 moved, 5 is damaged, 6-10 gone, 11 new."""
    rows = census.rows(3).splitlines()
    rows.append(f"K4,雨水井盖,完好,{census.lon},{census.lat(4 * 3 + 1.5):.7f}")
    rows.append(f"K5,雨水井盖,破损,{census.lon},{census.lat(5 * 3):.7f}")
    rows.append(f"K11,雨水井盖,完好,{census.lon},{census.lat(12 * 3):.7f}")
    return "\n".join([HEADERS, *rows])


def kinds(survey) -> dict[str, int]:
    found = list(SurveyFinding.objects.filter(survey=survey).values_list("kind", flat=True))
    return {kind: found.count(kind) for kind in sorted(set(found))}


def test_the_same_file_again_differs_in_nothing(census, first, register):
    before = register()
    again = census.read(f"{HEADERS}\n{census.rows(10)}")
    assert (kinds(again), again.same_count) == ({}, 10)
    assert census.submit(again).state == "published"
    assert register() == before


@pytest.mark.parametrize("known_by", ["key", "place", "code"])
def test_a_second_survey_finds_what_is_new_gone_moved_and_changed(census, first, known_by):
    text, mapping = second_text(census), census.upload(f"{HEADERS}\n1").mapping
    if known_by == "code":
        by_place = sorted(Component.objects.filter(source="census"), key=lambda row: row.point.y)
        codes = {f"K{number}": row.code for number, row in enumerate(by_place, 1)}
        text = text.replace("资产编号", "标识码")
        for key in ("K11", *sorted(codes, key=len, reverse=True)):
            text = text.replace(f"\n{key},", f"\n{codes.get(key, '')},")
        mapping = census.upload(text).mapping
    if known_by == "place":
        mapping["columns"].pop("key")
    survey = census.read(text, mapping=mapping)
    expected = {"changed": 1, "gone": 5, "moved": 1, "new": 1}
    if known_by == "place":  # what moved beyond the accuracy is another thing then
        expected = {"changed": 1, "gone": 6, "new": 2}
    assert kinds(survey) == expected
    assert survey.same_count == 3
    changed = SurveyFinding.objects.get(survey=survey, kind="changed")
    assert (changed.fields, changed.is_accepted) == (["state"], True)
    assert not SurveyFinding.objects.filter(survey=survey, kind="gone", is_accepted=True).exists()


def test_each_difference_is_accepted_or_refused(census, cast, first):
    survey = census.submit(census.read(second_text(census)))
    part = survey.parts.get()
    assert (part.new_count, part.gone_count, part.moved_count, part.changed_count) == (1, 5, 1, 1)
    act = {"actor": cast.supervisor_zhao, "part_id": part.pk}
    assert findings_decide(**act, is_accepted=False, kind="changed") == 1
    gone = SurveyFinding.objects.filter(survey=survey, kind="gone").order_by("pk")
    assert findings_decide(**act, is_accepted=True, findings=[gone[0].pk, gone[1].pk]) == 2
    part_approve(**act, now=NOW)
    census.work(survey)
    own = Component.objects.filter(source="census")
    assert own.count() == 11
    assert own.filter(state="damaged").count() == 0
    assert own.filter(ending="retired", retired_date__isnull=False).count() == 2
    moved = own.get(pk=SurveyFinding.objects.get(survey=survey, kind="moved").component_id)
    assert moved.point.y == pytest.approx(census.lat(13.5), abs=1e-6)
    with pytest.raises(DomainError, match="decided already"):
        findings_decide(**act, is_accepted=True)


def test_a_part_of_a_survey_says_nothing_of_what_is_missing(census, first):
    survey = census.read(second_text(census), coverage="part")
    assert "gone" not in kinds(survey)


def test_a_published_part_is_rolled_back_as_one(census, cast, first, register):
    before = register()
    survey = census.submit(census.read(second_text(census)))
    part = survey.parts.get()
    findings_decide(actor=cast.supervisor_zhao, part_id=part.pk, is_accepted=True)
    part_approve(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW)
    census.work(survey)
    assert len(register()) == len(before) + 1
    code = Component.objects.latest("pk").code
    counter = CodeCounter.objects.get(prefix=code[:10]).last
    with pytest.raises(DomainError, match="Say why"):
        part_roll_back(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW, reason="")
    part_roll_back(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW, reason="wrong street")
    census.work(survey)
    part.refresh_from_db()
    assert (part.state, part.error) == ("rolled_back", "")
    assert register() == before
    assert WithdrawnCode.objects.filter(code=code).exists()
    assert CodeCounter.objects.get(prefix=code[:10]).last == counter


def test_what_later_changes_stand_on_is_not_rolled_back(census, cast, first, register):
    part = first.parts.get()
    row = Component.objects.filter(source="census").first()
    component_update(actor=None, component_id=row.pk, on=NOW.date(), name="mended")
    before = register()
    part_roll_back(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW, reason="wrong")
    census.work(first)
    part.refresh_from_db()
    assert part.state == "published"
    assert "1 components were changed after they were published" in part.error
    assert register() == before


def test_what_a_case_is_about_is_not_rolled_back(census, cast, first):
    part = first.parts.get()
    row = Component.objects.filter(source="census").first()
    case_report(
        actor=cast.acceptor_wang,
        source="hotline",
        lon=row.point.x,
        lat=row.point.y,
        now=NOW,
        type_code="C0103",
        component_code=row.code,
        description="missing",
    )
    part_roll_back(actor=cast.supervisor_zhao, part_id=part.pk, now=NOW, reason="wrong")
    census.work(first)
    part.refresh_from_db()
    assert part.state == "published"
    assert part.error.startswith("1 entries of “cases”")


def test_what_changed_since_the_comparison_must_be_compared_again(census, cast, first):
    survey = census.submit(census.read(second_text(census)))
    row = Component.objects.get(
        pk=SurveyFinding.objects.get(survey=survey, kind="changed").component_id
    )
    component_update(actor=None, component_id=row.pk, on=NOW.date(), state="lost")
    part_approve(actor=cast.supervisor_zhao, part_id=survey.parts.get().pk, now=NOW)
    census.work(survey)
    part = survey.parts.get()
    assert part.state == "reviewing"
    assert "1 components changed in the register" in part.error
    survey_compare(actor=cast.administrator_bai, survey_id=survey.pk, now=NOW)
    assert census.work(survey).state == "checked"
    census.publish(survey)
    row.refresh_from_db()
    assert (survey.state, row.state) == ("published", "damaged")
