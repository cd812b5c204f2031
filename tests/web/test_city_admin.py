"""Catalogue, register, organisations and people in the admin: every page opens, rules hold."""

import json
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import City, Organisation, User
from accounts.roles import Role
from accounts.services import organisation_create, user_create
from cases.models import CasePolicy, ReasonCode, StageLimit, WorkCalendar
from common import clock
from components.models import CaseStandard, CaseType, Component, TypeClass
from components.services import standard_revise
from grid.models import Jurisdiction

PAGES = [
    City, Organisation, User, TypeClass, CaseType, CaseStandard, Component,
    WorkCalendar, StageLimit, ReasonCode, CasePolicy,
]  # fmt: skip


@pytest.fixture
def administrator(cast):
    """Somebody who sets the city and is not superuser."""
    person = user_create(
        username="administrator_mo",
        password="secret-of-mo",
        city=cast.city,
        organisation=cast.bodies["centre"],
        display_name="莫",
        roles=[Role.ADMINISTRATOR],
        is_staff=True,
    )
    client = Client()
    client.force_login(person)
    return client


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.mark.parametrize("model", PAGES)
def test_an_administrator_opens_every_list_and_page(administrator, model):
    assert administrator.get(page(model, "changelist")).status_code == 200
    row = (
        model.objects.filter(is_superuser=False).first() if model is User else model.objects.first()
    )
    assert administrator.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize(
    "model", [TypeClass, CaseType, CaseStandard, Component, Organisation, User]
)
def test_nothing_that_cases_refer_to_is_deleted(administrator, model):
    row = model.objects.first()
    assert administrator.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_an_acceptor_does_not_enter(cast):
    client = Client()
    client.force_login(cast.acceptor_wang)
    assert client.get(page(CaseStandard, "changelist")).status_code == 302


def form_of(response, **changes):
    """Return what the page would send back, with changes."""
    sent = {}
    for fieldset in [response.context["adminform"].form]:
        for bound in fieldset:
            value = bound.value()
            sent[bound.html_name] = "" if value is None else value
    return {**sent, **changes}


def test_saving_another_limit_puts_a_new_version_in_force(administrator):
    old = CaseStandard.objects.get(type__code="E0102", profile="general", zone_grade="")
    url = page(CaseStandard, "change", old.pk)
    answer = administrator.post(url, form_of(administrator.get(url), limit_value="3"))
    assert answer.status_code == 302
    old.refresh_from_db()
    new = CaseStandard.objects.get(
        type__code="E0102", profile="general", zone_grade="", valid_to=None
    )
    assert (old.limit_value, new.limit_value) == (4, 3)
    assert old.valid_to == new.valid_from


def test_nothing_ends_before_it_begins(administrator, cast):
    standard = CaseStandard.objects.get(type__code="E0102", profile="general", zone_grade="")
    for row in (standard, Jurisdiction.objects.first()):
        url = page(type(row), "change", row.pk)
        answer = administrator.post(url, form_of(administrator.get(url), valid_to="1990-01-01"))
        assert list(answer.context["adminform"].form.errors) == ["valid_to"]


def test_a_standard_that_has_not_begun_is_changed_in_place(administrator):
    standard = CaseStandard.objects.get(type__code="E0102", profile="general", zone_grade="")
    begins = timezone.localdate(clock.now()) + timedelta(days=20)
    later = standard_revise(standard_id=standard.pk, on=begins, limit_value=3)
    url = page(CaseStandard, "change", later.pk)
    assert administrator.post(url, form_of(administrator.get(url), limit_value="2")).url
    later.refresh_from_db()
    assert (later.limit_value, later.valid_from, later.valid_to) == (2, begins, None)


def test_a_standard_that_has_ended_can_only_be_seen(administrator):
    old = CaseStandard.objects.get(type__code="E0102", profile="general", zone_grade="")
    standard_revise(standard_id=old.pk, on=date(2026, 3, 16), limit_value=3)
    url = page(CaseStandard, "change", old.pk)
    assert administrator.get(url).context["adminform"].form.fields == {}
    administrator.post(url, {"limit_value": "9"})
    old.refresh_from_db()
    assert old.limit_value == 4


def test_a_type_gets_the_pinyin_of_its_new_name(administrator):
    row = CaseType.objects.get(code="E0102")
    url = page(CaseType, "change", row.pk)
    formsets = {
        f"{prefix}-{name}_FORMS": 0
        for prefix in ("codes", "aliases")
        for name in ("TOTAL", "INITIAL")
    }
    sent = form_of(administrator.get(url), name="露天垃圾", direct_filing_sources="[]")
    sent |= {"geometry_kinds": "[]", "attribute_schema": "{}", **formsets}
    assert administrator.post(url, sent).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.pinyin, row.initials) == ("露天垃圾", "lutianlaji", "ltlj")


def test_an_organisation_added_or_moved_has_its_place_in_the_tree(administrator, cast):
    city, xihu = cast.city, cast.bodies["xihu"]
    sent = {
        "city": city.pk, "parent": xihu.pk, "code": "xihu-trees", "kind": "department",
        "name": "西湖区树木所", "department_kind": "gardens", "is_active": "on",
    }  # fmt: skip
    assert administrator.post(page(Organisation, "add"), sent).status_code == 302
    trees = Organisation.objects.get(code="xihu-trees")
    assert trees.path == f"{xihu.path}{trees.pk}."
    sent["parent"] = cast.bodies["gongshu"].pk
    assert administrator.post(page(Organisation, "change", trees.pk), sent).status_code == 302
    trees.refresh_from_db()
    assert trees.path == f"{cast.bodies['gongshu'].path}{trees.pk}."


def test_an_organisation_is_not_hung_below_itself(administrator, cast):
    xihu, gudang = cast.bodies["xihu"], cast.bodies["gudang"]
    sent = {"parent": gudang.pk, "kind": "district", "name": "西湖区", "is_active": "on"}
    assert administrator.post(page(Organisation, "change", xihu.pk), sent).status_code == 200
    assert Organisation.objects.get(pk=xihu.pk).path == xihu.path


def test_an_organisation_hangs_in_the_tree_of_its_own_city(administrator, cast):
    ningbo = City.objects.create(code="330200", name="宁波市")
    root = organisation_create(city=ningbo, code="ningbo", kind="city", name="宁波市")
    sent = {
        "city": cast.city.pk,
        "code": "x",
        "kind": "district",
        "name": "某区",
        "parent": root.pk,
    }
    for url in (
        page(Organisation, "add"),
        page(Organisation, "change", cast.bodies["xihu"].pk),
    ):
        answer = administrator.post(url, {**sent, "is_active": "on"})
        assert list(answer.context["adminform"].form.errors) == ["parent"]
    assert not Organisation.objects.filter(parent=root).exists()


def component_form(cast, **changes):
    lon, lat = cast.near(5)
    return {
        "type": CaseType.objects.get(code="C0103").pk,
        "geometry": f'{{"type": "Point", "coordinates": [{lon}, {lat}]}}',
        "competent_body": cast.bodies["sanitation"].pk,
        "state": "intact",
        "accuracy": "B",
        "attributes": '{"diameter_mm": 700}',
        **changes,
    }


def test_a_component_added_in_the_admin_gets_code_and_cell(administrator, cast):
    assert administrator.post(page(Component, "add"), component_form(cast)).status_code == 302
    cover = Component.objects.get(type__code="C0103")
    assert cover.code == "3301060103000001"
    assert cover.cell.geometry.covers(cover.point)


def test_attributes_in_the_admin_are_made_fit_to_store(administrator, cast):
    url = page(Component, "change", cast.component.pk)
    CaseType.objects.filter(pk=cast.component.type_id).update(attribute_schema={"type": "object"})
    sent = component_form(cast, attributes='{"note": "旧\\u0000的"}')
    assert administrator.post(url, sent).status_code == 302
    cast.component.refresh_from_db()
    assert cast.component.attributes == {"note": "旧的"}


def test_attributes_that_do_not_fit_are_refused_beside_the_field(administrator, cast):
    answer = administrator.post(
        page(Component, "add"), component_form(cast, attributes='{"diameter_mm": "big"}')
    )
    assert answer.status_code == 200
    assert "attributes" in answer.context["adminform"].form.errors
    assert not Component.objects.filter(type__code="C0103").exists()


@pytest.mark.parametrize("shape", ["POLYGON EMPTY", "bow tie"])
def test_a_shape_that_is_none_is_refused_beside_the_field(administrator, cast, shape):
    lon, lat = cast.near(5)
    corners = [(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)] if shape == "bow tie" else []
    ring = [[[lon + x * 1e-5, lat + y * 1e-5] for x, y in corners]] if corners else []
    sent = component_form(
        cast,
        type=CaseType.objects.get(code="C0201").pk,
        geometry=json.dumps({"type": "Polygon", "coordinates": ring}),
        attributes="{}",
    )
    answer = administrator.post(page(Component, "add"), sent)
    assert answer.status_code == 200
    assert "geometry" in answer.context["adminform"].form.errors
    sent = component_form(cast, geometry=sent["geometry"], attributes="{}", type="")
    url = page(Component, "change", cast.component.pk)
    assert administrator.post(url, sent).status_code == 200


def test_a_component_changed_in_the_admin_remembers_who_did_it(administrator, cast):
    url = page(Component, "change", cast.component.pk)
    sent = component_form(cast, state="damaged", attributes="{}")
    assert administrator.post(url, sent).status_code == 302
    cast.component.refresh_from_db()
    assert cast.component.state == "damaged"
    assert cast.component.events.latest("pgh_id").pgh_context.metadata["user"]


def test_a_superuser_is_not_changed_by_an_administrator(administrator):
    root = User.objects.get(username="root")
    url = page(User, "change", root.pk)
    assert administrator.post(url, {"username": "root2"}).status_code == 403


def test_an_administrator_cannot_make_a_superuser(administrator, cast):
    fields = administrator.get(page(User, "change", cast.acceptor_wang.pk)).context["adminform"]
    assert "is_superuser" not in fields.form.fields
