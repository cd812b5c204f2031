"""Beats and zones made of cells in the admin: chosen on the map, checked, kept true."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.contrib.gis.db.models import Union
from django.urls import reverse
from django.utils import timezone

from accounts.models import City
from common import clock
from grid.gridding import Rules
from grid.models import Beat, Community, GridCell, Zone
from grid.selectors import locate
from grid.services import grid_apply, grid_make


@pytest.fixture
def administrator(page_of):
    return page_of("administrator_bai")


@pytest.fixture
def community(cast) -> Community:
    return Community.objects.get(pk=cast.component.community_id)


@pytest.fixture
def codes(community) -> list[str]:
    """The cells of the cast's community."""
    return sorted(community.cells.values_list("code", flat=True))


def ask(client, name: str, **sent):
    url = reverse(f"admin:grid_gridcell_{name}")
    return client.post(url, json.dumps(sent), content_type="application/json")


def beat_form(cast, cells: str, **changes):
    formset = {f"assignments-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    fields = {"city": cast.city.pk, "code": "west-1", "name": "西一", "valid_from": "2026-01-01"}
    return {**fields, **formset, "cells": cells, **changes}


def zone_form(cast, **changes):
    fields = {"city": cast.city.pk, "code": "z-1", "name": "一区", "grade": "key"}
    return {**fields, "valid_from": "2026-01-01", "cells": "", "geometry": "", **changes}


def add(client, model: str, form):
    return client.post(reverse(f"admin:grid_{model}_add"), form, follow=True)


def ends_of_all_beats(day: date = date(2026, 1, 1)) -> None:
    Beat.objects.update(valid_to=day)


def test_the_page_of_a_beat_has_a_map_and_its_codes(administrator):
    beat = Beat.objects.first()
    page = administrator.get(reverse("admin:grid_beat_change", args=[beat.pk])).content.decode()
    assert "data-cells-picker" in page
    assert "js/map/cells" in page
    assert beat.cells.order_by("code").first().code in page


def test_a_beat_of_chosen_cells_is_saved(administrator, cast, codes):
    ends_of_all_beats()
    page = add(administrator, "beat", beat_form(cast, "\n".join(reversed(codes))))
    beat = Beat.objects.get(code="west-1")
    assert sorted(beat.cells.values_list("code", flat=True)) == codes
    assert "messagelist" in page.content.decode()
    assert "warning" not in page.content.decode().split("messagelist")[1][:400]


def test_overlaps_gaps_and_parts_are_said_and_saved(administrator, cast, codes):
    beat = Beat.objects.get(cells__code=codes[0])
    far = (
        GridCell.objects.filter(code__startswith="330102")
        .order_by("code")
        .values_list("code", flat=True)
        .first()
    )
    page = add(administrator, "beat", beat_form(cast, f"{codes[0]} {far}")).content.decode()
    assert Beat.objects.get(code="west-1").cells.count() == 2
    assert "Shares cells with" in page
    assert f"{beat.name} (1)" in page
    assert "The cells fall into 2 parts" in page
    Beat.objects.filter(pk=beat.pk).update(valid_to=date(2026, 1, 1))
    verdict = ask(administrator, "check", codes=codes[0], kind="beat").json()
    assert any(codes[1] in sentence for sentence in verdict["warnings"])


def test_a_beat_that_ends_before_the_other_begins_overlaps_nobody(administrator, cast, codes):
    ends_of_all_beats(date(2026, 1, 1))
    page = add(administrator, "beat", beat_form(cast, " ".join(codes)))
    assert "Shares cells" not in page.content.decode()


def test_cells_that_cannot_be_are_refused_by_name(administrator, cast, codes):
    other = City.objects.create(code="330200", name="宁波市")
    GridCell.objects.filter(code=codes[0]).update(valid_to=date(2026, 1, 1))
    GridCell.objects.filter(code=codes[1]).update(city=other)
    sent = beat_form(cast, f"{codes[0]} {codes[1]} 999 {codes[2]}")
    page = add(administrator, "beat", sent).content.decode()
    assert f"These cells are closed: {codes[0]}" in page
    assert f"These cells lie in another city: {codes[1]}" in page
    assert "There are no such cells: 999" in page
    assert not Beat.objects.filter(code="west-1").exists()
    page = add(administrator, "beat", beat_form(cast, "")).content.decode()
    assert "This field is required" in page


def test_editing_a_beat_keeps_the_closed_cells_that_past_days_ask_for(administrator, cast, codes):
    ends_of_all_beats()
    add(administrator, "beat", beat_form(cast, " ".join(codes[:3])))
    beat = Beat.objects.get(code="west-1")
    GridCell.objects.filter(code=codes[0]).update(valid_to=timezone.localdate(clock.now()))
    url = reverse("admin:grid_beat_change", args=[beat.pk])
    assert codes[0] not in administrator.get(url).context["adminform"].form["cells"].value()
    administrator.post(url, beat_form(cast, codes[1]))
    assert sorted(beat.cells.values_list("code", flat=True)) == codes[:2]


def test_a_zone_of_cells_is_their_union(administrator, cast, codes):
    add(administrator, "zone", zone_form(cast, cells=" ".join(codes)))
    zone = Zone.objects.get(code="z-1")
    union = zone.cells.aggregate(union=Union("geometry"))["union"]
    assert zone.geometry.equals(union)
    assert "z-1" in locate(*cast.place, on=date(2026, 3, 16)).zones


def test_a_zone_needs_an_outline_or_cells(administrator, cast, codes):
    page = add(administrator, "zone", zone_form(cast)).content.decode()
    assert "Draw an outline or choose cells." in page
    outline = json.loads(GridCell.objects.get(code=codes[0]).geometry.json)["coordinates"]
    shape = json.dumps({"type": "MultiPolygon", "coordinates": [outline]})
    add(administrator, "zone", zone_form(cast, geometry=shape))
    assert Zone.objects.get(code="z-1").cells.count() == 0


def test_a_zone_of_cells_follows_a_new_gridding_and_past_days_keep_theirs(
    administrator, cast, community, codes
):
    day, before = date(2026, 4, 1), date(2026, 3, 31)
    add(administrator, "zone", zone_form(cast, cells=" ".join(codes[::2])))
    old = Zone.objects.get(code="z-1")
    _grounds, cells, _check = grid_make(communities=[community.pk], rules=Rules(side_m=150))
    grid_apply(city=cast.city, communities=[community.pk], cells=cells, on=day)
    was = Zone.objects.valid_on(before).get(code="z-1")
    now = Zone.objects.valid_on(day).get(code="z-1")
    assert was.geometry.equals(old.geometry)
    union = now.cells.valid_on(day).aggregate(union=Union("geometry"))["union"]
    assert now.geometry.sym_difference(union).area == pytest.approx(0, abs=1e-12)
    assert now.pk != was.pk


def test_a_point_a_community_and_a_shape_choose_cells(administrator, cast, community, codes):
    found = ask(administrator, "choose", point=cast.place, scope="cell").json()["cells"]
    assert [cell["code"] for cell in found] == [cast.component.cell.code]
    found = ask(administrator, "choose", point=cast.place, scope="community").json()["cells"]
    assert [cell["code"] for cell in found] == codes
    west, south, east, north = community.geometry.extent
    ring = [[west, south], [east, south], [east, north], [west, north]]
    found = ask(administrator, "choose", shape=ring).json()["cells"]
    assert set(codes) <= {cell["code"] for cell in found}
    assert found[0]["outline"]["type"] == "Polygon"
    crossed = [ring[0], ring[2], ring[1], ring[3]]  # a lasso that crosses itself
    assert 0 < len(ask(administrator, "choose", shape=crossed).json()["cells"]) < len(found)


def test_the_other_beats_in_view_are_outlined(administrator, community):
    beat = Beat.objects.filter(cells__community=community).order_by("pk").first()
    box = community.geometry.extent
    found = ask(administrator, "beats", box=box, owner=beat.pk).json()["beats"]
    assert found
    assert beat.pk not in {other["id"] for other in found}
    assert {"name", "count", "outline"} <= found[0].keys()


@pytest.mark.parametrize(
    ("name", "sent", "sentence"),
    [
        ("choose", {"point": [0, 0]}, "outside the city"),
        ("choose", {"point": ["a", 1]}, "cannot be read"),
        ("choose", {"point": [None, 1]}, "cannot be read"),
        ("choose", {"point": [1]}, "cannot be read"),
        ("choose", {"shape": [[1, 2]]}, "no outline"),
        ("choose", {"shape": [["inf", 1], [2, 3], [4, 5]]}, "numbers in range"),
        ("choose", {"codes": "1 2"}, "no such cells: 1, 2"),
        ("check", {"codes": "1", "owner": "x"}, ""),
        ("beats", {"box": [1, 2]}, "no box"),
        ("beats", {}, "no box"),
    ],
)
def test_nonsense_gets_a_sentence(administrator, name, sent, sentence):
    answer = ask(administrator, name, **sent)
    assert answer.status_code in {400, 404}
    assert sentence in answer.json()["message"]


def test_what_is_no_json_is_refused(administrator):
    url = reverse("admin:grid_gridcell_choose")
    assert administrator.post(url, "[", content_type="application/json").status_code == 400
    assert administrator.post(url, "[1]", content_type="application/json").status_code == 400
    tower = "[" * 50_000
    assert administrator.post(url, tower, content_type="application/json").status_code == 400
    assert administrator.get(url).status_code == 405


def test_somebody_who_may_not_see_cells_chooses_none(page_of, cast):
    cast.acceptor_wang.is_staff = True
    cast.acceptor_wang.save()
    assert ask(page_of("acceptor_wang"), "choose", point=cast.place).status_code == 403
