"""The community atlas: what is on it, who may have it made, and that it fits the register."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.gis.geos import LineString, Point
from django.utils import timezone, translation

from common.pinyin import search_keys
from common.typesetting import typeset_png
from components.atlas.book import TEMPLATE, atlas_data, survey_of
from components.models import CaseType, Component, Document
from components.services import component_create, component_retire
from grid.models import Area
from tests.cast import NOW

TODAY = timezone.localdate(NOW)


def put(cast, code: str, geometry, **fields) -> Component:
    return component_create(
        actor=None,
        type=CaseType.objects.get(code=code),
        geometry=geometry,
        competent_body=cast.bodies["water"],
        maintainer=cast.bodies["sanitation"],
        on=NOW.date(),
        **fields,
    )


@pytest.fixture
def community(cast) -> Area:
    """The usual community with covers, a damaged one, and a retired one."""
    for metres in range(0, 24, 3):
        put(cast, "C0103", Point(*cast.near(metres), srid=4326), address="古荡路 <1> & 2 号")
    Component.objects.filter(type__code="C0103").order_by("pk").update(state="intact")
    last = Component.objects.filter(type__code="C0103").latest("pk")
    Component.objects.filter(pk=last.pk).update(state="damaged")
    gone = put(cast, "C0103", Point(*cast.near(30), srid=4326))
    component_retire(actor=None, component_id=gone.pk, on=NOW.date())
    return cast.component.community


def data_of(community: Area, language: str = "en", **options):
    with translation.override(language):
        return atlas_data(survey_of(community, TODAY), options, NOW)


def rows(data) -> list[list[str]]:
    """Read the ledger back from its pages; here no text needs two lines."""
    pages = [page for group in data["ledger"] for page in group["pages"]]
    return [
        list(row)
        for page in pages
        for row in zip(*(column.split("\n") for column in page["columns"]), strict=True)
    ]


def test_the_ledger_holds_every_component_in_use_once_with_its_sheet(community):
    data, _maps = data_of(community)
    in_use = Component.objects.filter(community=community, retired_date=None)
    assert sorted(row[1] for row in rows(data)) == sorted(in_use.values_list("code", flat=True))
    assert [row[0] for row in rows(data)] == [str(n) for n in range(1, len(rows(data)) + 1)]
    assert {row[5] for row in rows(data)} <= {sheet["name"] for sheet in data["sheets"]}


def test_totals_by_type_class_and_body_add_up(community):
    data, _maps = data_of(community)
    count = len(rows(data))
    assert sum(row["count"] for row in data["types"]) == count
    assert sum(row["count"] for row in data["classes"]) == count
    assert sum(row["competent"] for row in data["bodies"]) == count
    assert sum(row["damaged"] for row in data["types"]) == 1
    covers = next(row for row in data["types"] if row["code"] == "0103")
    assert covers["count"] == 8


def test_every_component_is_drawn_on_a_sheet_with_its_types_symbol(community):
    data, maps = data_of(community, scale="500")
    drawn = "".join(maps[sheet["file"]] for sheet in data["sheets"])
    assert drawn.count(">03</text>") >= 8
    assert drawn.count('class="alert"') >= 1
    assert all(f">{row[0]}</text>" in drawn for row in rows(data)[:3])


def test_the_maps_show_border_cells_and_what_lies_around(community):
    _data, maps = data_of(community)
    for part in ('class="outline"', 'class="cell"', 'class="road"', 'class="outside"'):
        assert part in maps["overview.svg"]


def test_components_that_are_lines_are_drawn_as_lines(cast, community):
    kind = CaseType.objects.get(code="C0103")
    kind.geometry_kinds = ["line"]
    kind.save()
    (west, south), (east, north) = cast.near(0), cast.near(25)
    put(cast, "C0103", LineString((west, south), (east + 0.0001, north), srid=4326))
    data, maps = data_of(community)
    assert any('stroke-width="0.7"' in maps[sheet["file"]] for sheet in data["sheets"])


def test_the_base_map_is_attributed_and_the_scale_is_told(community):
    data, _maps = data_of(community, scale="500")
    assert "© OpenStreetMap" in data["words"]["attribution"]
    assert {sheet["scale"] for sheet in data["sheets"]} == {500}
    assert any("1:500" in value for _name, value in data["facts"])


def test_an_atlas_speaks_the_language_of_who_asked(community):
    data, _maps = data_of(community, "zh-hans")
    assert data["title"] == f"{community.name}部件本底资料"
    assert data["words"]["ledger"] == "台账"


@pytest.mark.parametrize("paper", ["a3", "a4"])
def test_a_whole_atlas_can_be_set_in_type(community, paper):
    data, maps = data_of(community, "zh-hans", paper=paper)
    pages = typeset_png(TEMPLATE, data, maps, dots_per_inch=20)
    assert len(pages) >= 3 + len(data["sheets"]) + len(data["ledger"])


def test_a_community_without_components_has_an_atlas_too(cast):
    empty = Area.objects.filter(level="community").exclude(pk=cast.component.community_id).first()
    data, maps = data_of(empty)
    assert data["sheets"] == data["ledger"] == []
    assert len(typeset_png(TEMPLATE, data, maps, dots_per_inch=20)) == 3


def test_reading_a_community_takes_as_many_queries_for_many_components(
    community, django_assert_num_queries
):
    with django_assert_num_queries(6):
        survey_of(community, TODAY)


# ── asking for one ────────────────────────────────────────────────────────────────────────────


def test_one_button_makes_the_atlas_of_a_community(page_of, community):
    leader = page_of("leader_tang")
    answer = leader.post("/components/atlas/", {"area": community.code})
    assert answer["Location"] == "/components/documents/"
    document = Document.objects.get()
    assert (document.state, document.kind) == ("ready", "atlas")
    file = leader.get(f"/components/documents/{document.pk}/file/")
    assert b"".join(file.streaming_content).startswith(b"%PDF")
    assert page_of("inspector_he").get(file.request["PATH_INFO"]).status_code == 404


def test_the_administrators_page_of_a_community_has_the_button(page_of, community):
    page = page_of("administrator_bai").get(f"/admin/grid/area/{community.pk}/change/")
    text = page.content.decode()
    assert 'action="/components/atlas/"' in text
    assert f'value="{community.code}"' in text


def test_the_atlas_of_a_street_is_one_file_a_community(page_of, community):
    street = community.parent
    inside = Area.objects.filter(parent=street, level="community").order_by("code")
    keep = [community.pk, inside.exclude(pk=community.pk).first().pk]
    inside.exclude(pk__in=keep).update(valid_to="2020-02-01")
    page_of("leader_tang").post("/components/atlas/", {"area": street.code, "paper": "a4"})
    document = Document.objects.get()
    assert (document.state, document.done, document.total) == ("ready", 2, 2)
    with zipfile.ZipFile(Path(settings.MEDIA_ROOT) / document.path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert [name[:12] for name in names] == sorted(
        Area.objects.filter(pk__in=keep).values_list("code", flat=True)
    )


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"area": "330106"},
        {"area": "x\x00"},
        {"area": "999999999999"},
        {"area": "", "scale": "7"},
    ],
)
def test_what_has_no_atlas_is_refused_beside_the_field(page_of, community, sent):
    answer = page_of("leader_tang").post("/components/atlas/", sent)
    assert answer.status_code == (400 if sent else 200)
    assert not Document.objects.exists()


def test_only_a_few_documents_are_made_at_once_for_one_person(page_of, cast, monkeypatch):
    monkeypatch.setattr("components.atlas.views.start_document", lambda document: None)
    leader = page_of("leader_tang")
    codes = Area.objects.filter(level="community").values_list("code", flat=True)[:6]
    statuses = [leader.post("/components/atlas/", {"area": code}).status_code for code in codes]
    assert statuses == [302] * 5 + [400]


# ── finding a street or community ─────────────────────────────────────────────────────────────


def found(reader, **query) -> list[str]:
    """Return the codes that the field offers for a text and a district."""
    page = reader.get("/communities/options/", query).content.decode()
    return re.findall(r'data-value="(\d+)"', page)


def test_a_community_is_found_by_its_name_sound_code_and_what_it_lies_in(page_of, community):
    leader = page_of("leader_tang")
    street, district = community.parent, community.parent.parent
    whole = district.name + street.name
    for text in (
        community.name,
        search_keys(community.name)[0],
        search_keys(community.name)[1],
        community.code,
        whole + community.name,
    ):
        assert community.code in found(leader, search=text)[:3], text
    inside = found(leader, search=street.name)
    assert inside[0] == street.code, "the whole street comes first"
    assert community.code in inside
    assert found(leader, search=f"{district.name} {street.name}")[0] == street.code
    assert found(leader, search="没有这个地方") == []
    other = Area.objects.filter(level="district").exclude(pk=district.pk).values_list("code")
    for (code,) in other:
        assert community.code not in found(leader, search=community.name, district=code)
    assert street.code in found(leader, search="", district=district.code)
    assert found(leader, search="") == []


def test_what_is_chosen_is_shown_in_words_again(page_of, community):
    page = page_of("leader_tang").get("/components/atlas/", {"area": community.code})
    text = page.content.decode()
    assert f'value="{community.code}"' in text
    assert f" · {community.name_en or community.name}" in text
    assert text.count("<option") < 30, "not every community of the city is on the page"
