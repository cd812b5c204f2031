"""Reorganising areas by a plan: previewed, applied, undone; old codes go on answering."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.gis.db.models import Union
from django.core.management import CommandError, call_command
from django.utils import translation

from accounts.models import City
from cases.models import Case
from common.errors import DomainError
from components.models import Component
from desks.demo.digest import digest
from grid.cell_sets import outline_of
from grid.models import (
    Area,
    AreaCode,
    Beat,
    GridCell,
    Jurisdiction,
    PastArea,
    Reorganisation,
    Zone,
)
from grid.reorganisation.services import (
    reorganisation_apply,
    reorganisation_decide,
    reorganisation_preview,
    reorganisation_read,
    reorganisation_undo,
)
from grid.selectors import Standing, UnknownCode, area_by_code, locate
from grid.services import community_ids
from tests.cast import NOW, Cast, Story
from tests.databases import filled

DAY = date(2026, 3, 16)
BEFORE = DAY - timedelta(days=1)
HEAD = "old_code,new_code,old_name,name,parent,cells,note\n"
# 西湖 goes up in 拱墅; its street 古荡 gets a new code there, with all its communities.
MERGED = "330106,330105,西湖区,拱墅区,,,\n330105,330105,拱墅区,拱墅区,,,\n"


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Sentences are compared in English."""
    with translation.override("en"):
        yield


def plan_of(cast: Cast, lines: str, day: date = DAY) -> Reorganisation:
    """Read a plan."""
    return reorganisation_read(
        city=cast.city, name="plan", data=(HEAD + lines).encode(), now=NOW, effective_date=day
    )


def applied(cast: Cast, lines: str) -> Reorganisation:
    """Read a plan and apply it."""
    plan = plan_of(cast, lines)
    reorganisation_apply(reorganisation=plan, now=NOW)
    plan.refresh_from_db()
    return plan


def district_merger(cast: Cast) -> str:
    """Return the plan of a district that goes up in another, all streets and communities."""
    streets = Area.objects.filter(parent__code="330106").order_by("code")
    lines = MERGED
    for number, street in enumerate(streets, 31):
        lines += f"{street.code},3301050{number},{street.name},,,,\n"
        for community in street.children.order_by("code"):
            lines += f"{community.code},3301050{number}{community.code[9:]},,,,,\n"
    return lines


@filled("cast")
def merged_district(cast: Cast) -> None:
    """The plan of that merger, applied."""
    applied(cast, district_merger(cast))


def two(cast: Cast, street: str = "330106007") -> list[Area]:
    """Return two neighbouring communities, the cast's first."""
    first = Area.objects.get(pk=cast.component.community_id)
    others = Area.objects.filter(parent__code=street, geometry__touches=first.geometry)
    return [first, others.exclude(pk=first.pk).order_by("code").first()]


def test_a_district_goes_up_in_another_and_nothing_is_lost(cast: Cast):
    story = Story(cast)
    before, plan = digest(), applied(cast, district_merger(cast))
    here, past = locate(*cast.place, on=DAY), locate(*cast.place, on=BEFORE)
    case = Case.objects.get(pk=story.case.pk)
    assert (past.district.code, past.street.code) == ("330106", "330106007")
    assert past.cell_code == case.cell_code
    assert (here.district.code, here.district.name) == ("330105", "拱墅区")
    assert here.street.code[:6] == "330105"
    assert here.cell_code[:9] == here.street.code
    assert here.community.id == past.community.id  # called otherwise, the same place
    assert (case.district_code, case.district.name) == ("330106", "西湖区")
    component = Component.objects.get(pk=cast.component.pk)
    assert component.code == cast.component.code
    assert component.cell.code == here.cell_code
    assert component.events.latest("pgh_id").pgh_context.metadata["reason"].endswith("applied")
    assert Area.objects.get(code="330106").valid_to == DAY
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before
    assert [step.kind for step in plan.steps.all()] == ["read", "applied", "undone"]


def test_a_district_is_what_its_streets_are(merged_district: Cast):
    streets = Area.objects.filter(parent__code="330105", valid_to=None)
    whole = streets.aggregate(whole=Union("geometry"))["whole"]
    assert len(streets) > 1
    assert Area.objects.get(code="330105").geometry.area == pytest.approx(whole.area)
    reorganisation_undo(reorganisation=Reorganisation.objects.get(), now=NOW)


def test_a_desk_sees_open_cases_of_the_district_that_came_to_it(cast: Cast):
    story = Story(cast)
    seen = Case.objects.filter(pk=story.case.pk)
    assert not seen.visible_to(cast.dispatcher_gongshu).exists()
    plan = applied(cast, district_merger(cast))
    assert seen.visible_to(cast.dispatcher_gongshu).exists()
    assert seen.visible_to(cast.dispatcher_xihu).exists()  # answers for the same streets as before
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert not seen.visible_to(cast.dispatcher_gongshu).exists()


def test_who_answered_for_a_district_answers_for_its_streets_and_nothing_more(merged_district):
    past = PastArea.objects.valid_on(BEFORE).filter(parent__code="330106")
    streets = set(past.values_list("area", flat=True))
    assert len(streets) > 1
    ties = Jurisdiction.objects.filter(organisation=merged_district.bodies["xihu"])
    assert ties.get(area__code="330106").valid_to == DAY
    assert set(ties.valid_on(DAY).values_list("area", flat=True)) == streets


def test_beats_follow_to_the_new_cells(cast: Cast):
    beats = {beat.pk: beat.cells.count() for beat in Beat.objects.filter(code__startswith="330106")}
    applied(cast, district_merger(cast))
    today = GridCell.objects.valid_on(DAY)
    for pk, count in beats.items():
        assert Beat.objects.get(pk=pk).cells.filter(pk__in=today).count() == count


def test_a_zone_of_cells_follows_and_covers_the_same_ground(cast: Cast):
    cells = list(GridCell.objects.filter(community=cast.component.community_id))
    outline = outline_of(cells)
    zone = Zone.objects.create(
        city=cast.city, code="z", name="z", grade="key", geometry=outline, valid_from=BEFORE
    )
    zone.cells.set(cells)
    before = digest()
    plan = applied(cast, district_merger(cast))
    assert zone.cells.valid_on(DAY).count() == len(cells)
    assert Zone.objects.get(code="z").geometry.equals(outline)
    assert "z" in locate(*cast.place, on=DAY).zones
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before


def test_an_old_code_resolves_and_stands_for_its_area_wherever_codes_are_taken(
    merged_district: Cast,
):
    cast = merged_district
    old = PastArea.objects.valid_on(BEFORE).get(area=cast.component.community_id).code
    answer = area_by_code(old)
    assert answer.standing is Standing.SUCCEEDED
    assert [area.id for area in answer.areas] == [cast.component.community_id]
    assert answer.areas[0].code.startswith("330105")
    assert [area.code for area in area_by_code("330106").areas] == ["330105"]
    assert area_by_code("330106", BEFORE).areas[0].name == "西湖区"
    assert area_by_code("330105").standing is Standing.CURRENT
    assert cast.component.community_id in community_ids(cast.city, DAY, [old])
    with pytest.raises(UnknownCode):
        area_by_code("330106", DAY)
    with pytest.raises(UnknownCode):
        area_by_code("999999")


def test_two_communities_become_one(cast: Cast):
    first, second = two(cast)
    before = digest()
    new = f"{first.code[:9]}900"
    plan = applied(cast, f"{first.code},{new},,新社区,,,\n{second.code},{new},,新社区,,,\n")
    merged = Area.objects.get(code=new)
    assert merged.name == "新社区"
    assert locate(*cast.place, on=DAY).community.id == merged.pk
    assert Component.objects.get(pk=cast.component.pk).community == merged
    codes = GridCell.objects.valid_on(DAY).filter(community=merged).values_list("code", flat=True)
    assert len(set(codes)) == len(codes) > 1
    assert all(code.startswith(new) for code in codes)
    assert {area.id for code in (first.code, second.code) for area in area_by_code(code).areas} == {
        merged.pk
    }
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before


def test_a_community_takes_another_in_and_keeps_its_own_cells(cast: Cast):
    first, second = two(cast)
    own = set(GridCell.objects.filter(community=first).values_list("pk", "code"))
    same = f"{first.code},{first.code},,,,,\n{second.code},{first.code},,,,,\n"
    applied(cast, same)
    here = set(GridCell.objects.valid_on(DAY).filter(community=first).values_list("pk", "code"))
    assert own < here
    assert Area.objects.get(pk=second.pk).valid_to == DAY
    assert {area.id for area in area_by_code(second.code).areas} == {first.pk}


def test_a_community_splits_along_its_cells(cast: Cast):
    first, _second = two(cast)
    cells = sorted(GridCell.objects.filter(community=first).values_list("code", flat=True))
    half = len(cells) // 2
    one, other = f"{first.code[:9]}901", f"{first.code[:9]}902"
    before = digest()
    plan = applied(
        cast,
        f"{first.code},{one},,南,,001-{half:03d},\n{first.code},{other},,北,,,\n",
    )
    counts = [
        GridCell.objects.valid_on(DAY).filter(community__code=code).count() for code in (one, other)
    ]
    assert counts == [half, len(cells) - half]
    assert {area.code for area in area_by_code(first.code).areas} == {one, other}
    outlines = [Area.objects.get(code=code).geometry for code in (one, other)]
    assert not outlines[0].overlaps(outlines[1])
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before


def test_a_community_is_founded_on_the_cells_it_is_given(cast: Cast):
    first, _second = two(cast)
    cells = sorted(GridCell.objects.filter(community=first).values_list("code", flat=True))
    new = f"{first.code[:9]}903"
    applied(cast, f",{new},,新,,{cells[0]} {cells[1]},\n")
    founded = Area.objects.get(code=new)
    assert founded.cells.valid_on(DAY).count() == 2
    assert Area.objects.get(pk=first.pk).cells.valid_on(DAY).count() == len(cells) - 2


def test_an_open_successor_keeps_its_ground_until_it_is_decided(cast: Cast):
    first, second = two(cast)
    before = digest()
    plan = applied(cast, f"{first.code},,,,,,not found\n")
    assert area_by_code(first.code).standing is Standing.TO_BE_DECIDED
    assert locate(*cast.place, on=DAY).community.id == first.pk
    line = plan.lines.get()
    reorganisation_decide(
        line=line, successors=[second.code], now=NOW, actor=cast.administrator_bai, reason="ruled"
    )
    assert locate(*cast.place, on=DAY).community.id == second.pk
    assert locate(*cast.place, on=BEFORE).community.id == first.pk
    assert area_by_code(first.code).standing is Standing.SUCCEEDED
    line.refresh_from_db()
    assert (line.decided_by, line.reason) == (cast.administrator_bai, "ruled")
    assert plan.steps.filter(kind="decided", actor=cast.administrator_bai).exists()
    with pytest.raises(DomainError, match="decided already"):
        reorganisation_decide(line=line, successors=[second.code], now=NOW)
    plan.refresh_from_db()
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before


def test_lines_are_decided_on_the_very_day_the_plan_was_applied(cast: Cast):
    """The successor was opened that day, and so were the cells that a founded community gets."""
    first, second = two(cast)
    others = Area.objects.filter(parent=first.parent).exclude(pk__in=[first.pk, second.pk])
    third, fourth = others.order_by("code")[:2]
    merged, founded = f"{first.code[:9]}900", f"{first.code[:9]}901"
    before = digest()
    plan = applied(
        cast,
        f"{second.code},{merged},,合并社区,,,\n{third.code},{merged},,合并社区,,,\n"
        f"{fourth.code},{first.code[:9]}902,,,,,\n{first.code},,,,,,\n,{founded},,新社区,,,\n",
    )
    cells = GridCell.objects.valid_on(DAY).filter(community=fourth).order_by("code")[:2]
    ground = {cell.geometry.wkt for cell in cells}
    line = plan.lines.get(old_code=first.code)
    reorganisation_decide(line=line, successors=[merged], now=NOW)
    reorganisation_decide(
        line=plan.lines.get(new_code=founded),
        successors=[],
        cells=" ".join(cell.code for cell in cells),
        now=NOW,
    )
    assert locate(*cast.place, on=DAY).community.code == merged
    today = GridCell.objects.valid_on(DAY)
    assert {cell.geometry.wkt for cell in today.filter(community__code=founded)} == ground
    plan.refresh_from_db()
    reorganisation_undo(reorganisation=plan, now=NOW)
    assert digest() == before


def test_areas_of_other_installations_are_remembered_not_opened(cast: Cast):
    plan = plan_of(cast, "330109,330114,萧山区,钱塘区,,,\n330109001,330114001,城厢街道,,,,\n")
    seen, _stakes = reorganisation_preview(plan)
    assert len(seen.outside) == 2
    assert [*seen.opened, *seen.changed, *seen.problems] == []
    reorganisation_apply(reorganisation=plan, now=NOW)
    answer = area_by_code("330109")
    assert answer.standing is Standing.ELSEWHERE
    assert answer.elsewhere == (("330114", "钱塘区"),)


def test_undoing_names_the_cases_that_were_filed_since(merged_district: Cast):
    plan, story = Reorganisation.objects.get(), Story(merged_district)
    state = digest()
    with pytest.raises(DomainError, match=story.case.number) as refusal:
        reorganisation_undo(reorganisation=plan, now=NOW)
    assert refusal.value.code == "later_changes"
    assert digest() == state


def test_undoing_names_a_beat_and_an_area_that_were_changed_since(merged_district: Cast):
    cast, plan = merged_district, Reorganisation.objects.get()
    beat = Beat.objects.filter(cells__community=cast.component.community_id).first()
    beat.cells.remove(beat.cells.valid_on(DAY).first())
    Area.objects.filter(pk=cast.component.community_id).update(name="改名社区")
    with pytest.raises(DomainError, match="改名社区") as refusal:
        reorganisation_undo(reorganisation=plan, now=NOW)
    assert beat.name in str(refusal.value.message)


def test_what_was_applied_later_is_undone_first(cast: Cast):
    first, second = two(cast)
    plan = applied(cast, f"{first.code},{first.code[:9]}901,,,,,\n")
    later = plan_of(cast, f"{second.code},{first.code[:9]}902,,,,,\n")
    later.name = "the later one"
    later.save()
    reorganisation_apply(reorganisation=later, now=NOW + timedelta(minutes=1))
    with pytest.raises(DomainError, match="the later one"):
        reorganisation_undo(reorganisation=plan, now=NOW)
    reorganisation_undo(reorganisation=later, now=NOW)
    reorganisation_undo(reorganisation=plan, now=NOW)


def test_a_plan_is_applied_once_and_not_before_its_day(cast: Cast):
    plan = plan_of(cast, "330106007,330106007,,古荡新街道,,,\n", DAY + timedelta(days=1))
    with pytest.raises(DomainError, match="2026-03-17"):
        reorganisation_apply(reorganisation=plan, now=NOW)
    plan = applied(cast, "330106007,330106007,,古荡新街道,,,\n")
    assert Area.objects.get(code="330106007").name == "古荡新街道"
    assert locate(*cast.place, on=BEFORE).street.name == "古荡街道"
    with pytest.raises(DomainError, match="applied already"):
        reorganisation_apply(reorganisation=plan, now=NOW)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("330106007,330199007,,,,,\n", "in which area of this city 330199007"),
        ("330106,330105,,,,,\n330105,330105,,,,,\n330106007,330106007,,,,,\n", "330106007"),
        ("330106007001,330106007901,,,,001-999,\n", "are no cells of today"),
        ("330106007001,330106007901,,,,001,\n", "does not say where"),
        ("330106007001,330106007003,,,,,\n330106007003,,,,,,\n", "still bears it"),
    ],
)
def test_what_stands_in_the_way_is_said_and_nothing_changes(cast: Cast, lines: str, sentence: str):
    codes = sorted(Area.objects.filter(parent__code="330106007").values_list("code", flat=True))
    lines = lines.replace("330106007001", codes[0]).replace("330106007003", codes[1])
    plan = plan_of(cast, lines)
    before = digest()
    with pytest.raises(DomainError) as refusal:
        reorganisation_apply(reorganisation=plan, now=NOW)
    assert sentence in " ".join(refusal.value.fields["plan"])
    assert digest() == before


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "lacks the columns"),
        (b"old;new\n1;2\n", "lacks the columns"),
        (HEAD.encode(), "no lines"),
        ((HEAD + "33010,330105,,,,,\n").encode(), "33010 is no code"),
        ((HEAD + "330106,330105001,,,,,\n").encode(), "different levels"),
        ((HEAD + "330106,330105,,,,,\n330106,330105,,,,,\n").encode(), "the same as line 2"),
        ((HEAD + "330106,330105,,A,,,\n330107,330105,,B,,,\n").encode(), "differ: A, B"),
        ((HEAD + "330106,330105,,,,001,\n").encode(), "only of a community"),
        ((HEAD + "330106007,330105001,,,330106007,,\n").encode(), "no parent of it"),
        (b"\xff\xfe\x00o\x00l", "no text file"),
        (b"old_code,new_code,effective_date\n330106,330105,09.04.2021\n", "2021-04-09"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_in_words(mini_city: City, data: bytes, sentence: str):
    with pytest.raises(DomainError) as refusal:
        reorganisation_read(city=mini_city, name="x", data=data, now=NOW, effective_date=DAY)
    assert sentence in " ".join(refusal.value.fields["plan"])
    assert not Reorganisation.objects.exists()


def test_a_plan_in_gb18030_is_understood(mini_city: City):
    data = (HEAD + "330106007,330106007,,古荡新街道,,,\n").encode("gb18030")
    plan = reorganisation_read(city=mini_city, name="x", data=data, now=NOW, effective_date=DAY)
    assert plan.lines.get().name == "古荡新街道"


def test_the_command_previews_and_changes_only_when_told(cast: Cast, tmp_path: Path):
    file = tmp_path / "merger.csv"
    file.write_text(HEAD + district_merger(cast), encoding="utf-8")
    before, said = digest(), StringIO()
    call_command("reorganise", "--plan", file, "--on", "2026-03-16", stdout=said)
    assert "330106 西湖区 → 330105 拱墅区" in said.getvalue()
    assert digest() == before
    assert not Reorganisation.objects.exists()
    call_command("reorganise", "--plan", file, "--on", "2026-03-16", "--apply", stdout=said)
    assert digest() != before
    call_command("reorganise", "--undo", stdout=said)
    assert digest() == before
    with pytest.raises(CommandError, match="in force"):
        call_command("reorganise", "--undo", stdout=said)


def test_codes_mean_one_area_on_every_day(merged_district):
    for area in Area.objects.filter(valid_to=None):
        assert AreaCode.objects.valid_on(DAY).get(area=area, scheme="GB").code == area.code
