"""Reorganisations in the admin: send a plan in, look, apply, decide, undo."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from common import clock
from desks.demo.digest import digest
from grid.models import Area, Reorganisation
from grid.selectors import Standing, area_by_code

LINES = (
    "old_code,new_code,old_name,name,note\n"
    "330106,330106,西湖区,西湖新区,\n"
    "330106007001,,,,not found\n"
)
OLD = "330106007001"


@pytest.fixture
def administrator(page_of):
    return page_of("administrator_bai")


@pytest.fixture
def lines(cast):
    first = Area.objects.filter(parent__code="330106007").order_by("code").first()
    return LINES.replace(OLD, first.code), first


def send(client, lines: str, **fields):
    file = SimpleUploadedFile("plan.csv", lines.encode())
    sent = {"name": "2026", "effective_date": "2026-03-16", "file": file, **fields}
    return client.post(reverse("admin:grid_reorganisation_add"), sent, follow=True)


def act(client, name: str, *args, **fields):
    url = reverse(f"admin:grid_reorganisation_{name}", args=args)
    return client.post(url, fields, follow=True)


def test_a_plan_is_sent_in_looked_at_applied_decided_and_undone(administrator, lines):
    text, first = lines
    neighbour = Area.objects.filter(parent=first.parent).exclude(pk=first.pk).first()
    before = digest()
    page = send(administrator, text)
    said = page.content.decode()
    plan = Reorganisation.objects.get()
    assert "330106 西湖区 → 330106 西湖新区" in said
    assert "not found" in said
    assert digest() == before
    page = act(administrator, "apply", plan.pk)
    assert "The plan holds." in page.content.decode()
    assert Area.objects.get(code="330106").name == "西湖新区"
    assert area_by_code(first.code).standing is Standing.TO_BE_DECIDED
    line = plan.lines.get(old_code=first.code)
    page = act(
        administrator, "decide", plan.pk, line.pk, successors=neighbour.code, reason="by decree"
    )
    assert "by decree" in page.content.decode()
    assert area_by_code(first.code).areas[0].id == neighbour.pk
    page = act(administrator, "undo", plan.pk)
    assert "Everything is as before." in page.content.decode()
    assert digest() == before
    assert [step.actor.username for step in plan.steps.all()] == ["administrator_bai"] * 4


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("a,b\n1,2\n", "lacks the columns"), ("old_code,new_code\n33,34\n", "33 is no code")],
)
def test_a_wrong_file_is_refused_beside_the_field(administrator, text, sentence):
    page = send(administrator, text)
    assert sentence in page.content.decode()
    assert not Reorganisation.objects.exists()


def test_what_stands_in_the_way_is_shown_and_applying_is_not_offered(administrator):
    page = send(administrator, "old_code,new_code\n330106007,330199007\n")
    said = page.content.decode()
    assert "The plan cannot be applied like this" in said
    assert "/apply/" not in said
    page = act(administrator, "apply", Reorganisation.objects.get().pk)
    assert "in which area of this city" in page.content.decode()
    assert Reorganisation.objects.get().state == "draft"


def test_a_double_click_applies_once_and_says_so(administrator, lines):
    send(administrator, lines[0])
    plan = Reorganisation.objects.get()
    act(administrator, "apply", plan.pk)
    page = act(administrator, "apply", plan.pk)
    assert "applied already" in page.content.decode()
    assert plan.steps.filter(kind="applied").count() == 1


def test_an_acceptor_gets_nowhere(administrator, page_of, lines):
    send(administrator, lines[0])
    plan = Reorganisation.objects.get()
    url = reverse("admin:grid_reorganisation_apply", args=[plan.pk])
    assert page_of("acceptor_wang").post(url).status_code == 302
    plan.refresh_from_db()
    assert plan.state == "draft"


def test_reading_a_page_never_applies(administrator, lines):
    send(administrator, lines[0])
    url = reverse("admin:grid_reorganisation_apply", args=[Reorganisation.objects.get().pk])
    assert administrator.get(url).status_code == 405


def test_the_clock_of_the_city_is_used(administrator, lines):
    send(administrator, lines[0])
    step = Reorganisation.objects.get().steps.get()
    assert abs((clock.now() - step.at).total_seconds()) < 60


def test_an_area_is_found_by_its_old_code_and_tells_its_past(administrator):
    send(administrator, "old_code,new_code\n330106007,330106099\n")
    act(administrator, "apply", Reorganisation.objects.get().pk)
    area = Area.objects.get(code="330106099")
    found = administrator.get("/admin/grid/area/", {"q": "330106007"}).content.decode()
    assert f"/admin/grid/area/{area.pk}/change/" in found
    page = administrator.get(f"/admin/grid/area/{area.pk}/change/").content.decode()
    assert "Before it was reorganised" in page
    assert "330106007" in page
