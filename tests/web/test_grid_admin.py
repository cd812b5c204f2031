"""Geography in the admin: every page opens, and what has a history cannot be moved."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from grid.models import Area, Beat, GridCell, ManagementArea, Place, Zone

MODELS = [Area, GridCell, Zone, ManagementArea, Beat, Place]
CORNERS = "[120.1, 30.2], [120.2, 30.2], [120.2, 30.3], [120.1, 30.2]"
SQUARE = f'{{"type": "Polygon", "coordinates": [[{CORNERS}]]}}'


@pytest.fixture
def administrator(mini_city):
    client = Client()
    client.force_login(User.objects.create_superuser("administrator_sun"))
    return client


def page_of(model, pk=None):
    name = model._meta.model_name
    return f"/admin/grid/{name}/{pk}/change/" if pk else f"/admin/grid/{name}/"


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_every_page_opens(administrator, model):
    assert administrator.get(page_of(model)).status_code == 200
    page = administrator.get(page_of(model, model.objects.first().pk))
    assert page.status_code == 200
    assert "js/map/" in page.content.decode()


def test_the_jurisdictions_open(administrator):
    assert administrator.get("/admin/grid/jurisdiction/").status_code == 200
    assert administrator.get("/admin/grid/jurisdiction/add/").status_code == 200


def test_an_area_can_be_renamed_but_not_moved(administrator):
    area = Area.objects.get(code="330106005")
    codes = {"codes-TOTAL_FORMS": 0, "codes-INITIAL_FORMS": 0}
    answer = administrator.post(
        page_of(Area, area.pk),
        {"name": "翠苑", "name_en": "Cuiyuan", "geometry": SQUARE, "code": "1", **codes},
    )
    assert answer.status_code == 302
    after = Area.objects.get(pk=area.pk)
    assert (after.name, after.code) == ("翠苑", "330106005")
    assert after.geometry.equals(area.geometry)


def test_a_cell_cannot_be_moved(administrator):
    cell = GridCell.objects.first()
    answer = administrator.post(page_of(GridCell, cell.pk), {"kind": "water", "geometry": SQUARE})
    assert answer.status_code == 302
    after = GridCell.objects.get(pk=cell.pk)
    assert after.kind == "water"
    assert after.geometry.equals(cell.geometry)


@pytest.mark.parametrize("model", [Area, GridCell])
def test_nobody_adds_areas_and_cells(administrator, model):
    assert administrator.get(f"{page_of(model)}add/").status_code == 403


@pytest.mark.parametrize("model", [Area, GridCell, Zone, ManagementArea, Beat])
def test_nobody_deletes_what_has_a_history(administrator, model):
    delete = page_of(model, model.objects.first().pk).replace("change", "delete")
    assert administrator.get(delete).status_code == 403


def test_a_name_can_be_deleted(administrator):
    delete = page_of(Place, Place.objects.first().pk).replace("change", "delete")
    assert administrator.get(delete).status_code == 200


def test_someone_without_the_permission_sees_no_geography(mini_city):
    clerk = User.objects.create_user("clerk_wu", is_staff=True)
    client = Client()
    client.force_login(clerk)
    assert client.get(page_of(Zone)).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="view_zone"))
    assert client.get(page_of(Zone)).status_code == 200


def place_form(place, alias="", **changes):
    """Return what the page of a place sends."""
    day = {"valid_from": place.valid_from.isoformat(), "valid_to": ""}
    aliases = {"aliases-TOTAL_FORMS": 1, "aliases-INITIAL_FORMS": 0, "aliases-0-name": alias}
    shown = {"kind": place.kind, "name": place.name, "name_en": place.name_en}
    return {
        **shown,
        **day,
        **aliases,
        "point": place.point.geojson,
        "geometry": place.geometry.geojson if place.geometry else "",
        **changes,
    }


def test_a_place_and_its_other_name_are_found_as_soon_as_they_are_saved(administrator):
    place = Place.objects.filter(kind="road", name="文三路").first()
    answer = administrator.post(
        page_of(Place, place.pk), place_form(place, "电子一条街", name="文三大路")
    )
    assert answer.status_code == 302
    after = Place.objects.get(pk=place.pk)
    assert (after.folded, after.pinyin, after.source) == ("文三大路", "wensandalu", "city")
    assert after.key == place.key
    assert after.geometry.equals_exact(place.geometry, 1e-6)
    assert after.aliases.get().initials == "dzytj"


def test_a_new_place_gets_a_key_of_its_own(administrator):
    old = Place.objects.filter(kind="stop").first()
    for _time in range(2):
        answer = administrator.post("/admin/grid/place/add/", place_form(old, name="新站"))
        assert answer.status_code == 302
    keys = Place.objects.filter(name="新站").values_list("key", flat=True)
    assert len(set(keys)) == 2
    assert "" not in keys


def test_the_page_of_a_place_says_where_it_lies(administrator):
    place = Place.objects.filter(kind="area", point__within=Area.objects.get(
        code="330106005").geometry).first()  # fmt: skip
    page = administrator.get(page_of(Place, place.pk)).content.decode()
    assert "西湖区 · 翠苑街道" in page
