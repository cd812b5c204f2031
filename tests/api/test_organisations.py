"""The organisation tree, its roles, and what the API tells of it."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from rest_framework.test import APIClient

from accounts.models import City, Organisation, User
from accounts.roles import ROLES, Role
from accounts.services import (
    organisation_create,
    organisation_move,
    roles_sync,
    user_create,
    user_set_roles,
)
from common.errors import DomainError

URL = "/api/v1/organisations/"


@pytest.fixture
def city(db):
    return City.objects.create(code="320500", name="苏州市")


@pytest.fixture
def tree(city):
    """City → (xihu → gudang, gardens)."""
    bodies = {}
    for code, kind, parent in (
        ("hangzhou", "city", None),
        ("gardens", "department", "hangzhou"),
        ("xihu", "district", "hangzhou"),
        ("gudang", "street", "xihu"),
    ):
        bodies[code] = organisation_create(
            city=city,
            code=code,
            kind=kind,
            name=code,
            parent=bodies.get(parent),
            department_kind="gardens" if code == "gardens" else "",
        )
    return bodies


def test_a_path_is_the_chain_of_ids_from_the_root(tree):
    root, xihu, gudang = (tree[code].pk for code in ("hangzhou", "xihu", "gudang"))
    assert tree["gudang"].path == f"{root}.{xihu}.{gudang}."
    assert tree["xihu"].contains(tree["gudang"])
    assert not tree["gardens"].contains(tree["gudang"])


def test_a_moved_organisation_takes_everything_below_it_along(tree):
    organisation_move(organisation=tree["xihu"], parent=tree["gardens"])
    gudang = Organisation.objects.get(code="gudang")
    assert gudang.path == f"{tree['gardens'].path}{tree['xihu'].pk}.{gudang.pk}."


def test_an_organisation_cannot_be_moved_below_itself(tree):
    with pytest.raises(DomainError) as refused:
        organisation_move(organisation=tree["xihu"], parent=tree["gudang"])
    assert refused.value.code == "invalid"
    assert Organisation.objects.get(code="xihu").path == tree["xihu"].path


def test_two_organisations_of_a_city_never_share_a_code(tree, city):
    with pytest.raises(Exception, match="organisation_code_unique"):
        organisation_create(city=city, code="xihu", kind="street", name="again")


# ── roles ─────────────────────────────────────────────────────────────────────────────────────


def permissions_of(role):
    rows = Group.objects.get(name=role.value).permissions.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


def test_every_role_is_a_group_with_the_permissions_of_its_definition(db):
    call_command("sync_roles")
    call_command("sync_roles")
    assert set(Group.objects.values_list("name", flat=True)) == {role.value for role in Role}
    for definition in ROLES.values():
        assert set(definition.permissions) <= permissions_of(definition.role)
    assert permissions_of(Role.CONTRACTOR_MANAGER) == set()


def test_an_administrator_sets_the_city_and_cannot_touch_cases(db):
    roles_sync()
    rights = permissions_of(Role.ADMINISTRATOR)
    assert {"components.change_casestandard", "accounts.add_organisation"} <= rights
    assert not {right for right in rights if right.startswith("cases.") and "_case" in right} - {
        "cases.view_all_cases",
        "cases.view_casepolicy",
        "cases.add_casepolicy",
        "cases.change_casepolicy",
    }
    plans = {"dispatch.delete_shift", "dispatch.delete_proxythreshold"}  # nothing refers to them
    assert {right for right in rights if "delete" in right} <= plans


def test_a_person_has_the_roles_given_last(tree, city):
    roles_sync()
    person = user_create(
        username="wang",
        password="secret-of-wang",
        city=city,
        organisation=tree["gardens"],
        display_name="王芳",
        roles=[Role.ACCEPTOR],
    )
    assert person.roles == {Role.ACCEPTOR}
    user_set_roles(user=person, roles=[Role.LEADER, Role.INSPECTOR])
    assert User.objects.get(username="wang").roles == {Role.LEADER, Role.INSPECTOR}
    assert person.roles == {Role.LEADER, Role.INSPECTOR}
    assert person.check_password("secret-of-wang")


# ── over the API ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def client(tree, city):
    client = APIClient()
    person = User.objects.create_user("clerk_hua", city=city, organisation=tree["gardens"])
    client.force_authenticate(person)
    return client


def test_the_api_lists_every_organisation_after_its_parent(client):
    rows = client.get(URL).json()
    assert [row["code"] for row in rows] == ["hangzhou", "gardens", "xihu", "gudang"]
    assert [row["level"] for row in rows] == [0, 1, 1, 2]
    assert [row["parent"] for row in rows] == [None, "hangzhou", "hangzhou", "xihu"]


def test_the_api_filters_by_kind_and_trade(client):
    assert [row["code"] for row in client.get(URL, {"kind": "street"}).json()] == ["gudang"]
    gardens = client.get(URL, {"department_kind": "gardens"}).json()
    assert [row["code"] for row in gardens] == ["gardens"]
    assert client.get(URL, {"kind": "castle"}).status_code == 400


def test_the_api_leaves_out_who_no_longer_works_and_other_cities(client, tree):
    Organisation.objects.filter(code="xihu").update(is_active=False)
    other = City.objects.create(code="330200", name="宁波市")
    organisation_create(city=other, code="ningbo", kind="city", name="宁波")
    assert {row["code"] for row in client.get(URL).json()} == {"hangzhou", "gardens", "gudang"}


def test_the_list_is_one_query(client):
    with CaptureQueriesContext(connection) as queries:
        client.get(URL)
    assert len(queries) == 1


def test_nobody_without_a_token_reads_the_tree(db):
    assert APIClient().get(URL).status_code == 401


@pytest.mark.parametrize(("language", "mark"), [("zh-hans", "市"), ("en", "C")])
def test_the_mark_of_a_level_follows_the_language(city, language, mark):
    department = Organisation(city=city, kind=Organisation.Kind.DEPARTMENT, path="1.4.")
    with translation.override(language):
        assert str(department.level_mark) == mark
