"""The catalogue: loaded once, searched in many tongues, revised without rewriting the past."""

import csv
import shutil
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from common.errors import DomainError
from components.loading import CATALOGUE, load_catalogue
from components.models import CaseStandard, CaseType, TypeAlias, TypeCode
from components.selectors import NotThere, type_get, types_search
from components.services import standard_revise

TODAY = date(2026, 11, 22)
URL = "/api/v1/catalogue/types/"


@pytest.fixture
def loaded(db):
    load_catalogue()


@pytest.fixture
def client(loaded):
    client = APIClient()
    client.force_authenticate(User.objects.create_user("acceptor_wang"))
    return client


def counts():
    return [model.objects.count() for model in (CaseType, TypeCode, TypeAlias, CaseStandard)]


def general(code):
    return CaseStandard.objects.get(
        type__code=code, profile="general", zone_grade="", valid_to=None
    )


# ── loading ───────────────────────────────────────────────────────────────────────────────────


def test_loading_twice_changes_nothing(loaded):
    first = counts()
    load_catalogue()
    assert counts() == first
    assert first[0] == 159


def change_standards(folder, change):
    """Copy the catalogue's files and change the standards."""
    shutil.copytree(CATALOGUE, folder)
    path = folder / "standards.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_a_file_may_not_change_a_limit_that_cases_were_filed_under(loaded, tmp_path):
    def longer(rows):
        rows[0]["limit_value"] = "40"
        return rows

    with pytest.raises(DomainError) as refused:
        load_catalogue(change_standards(tmp_path / "catalogue", longer))
    assert refused.value.code == "standard_in_use"
    assert general("C0101").limit_value == 4


def test_a_file_may_end_a_standard_and_add_the_next(loaded, tmp_path):
    def next_version(rows):
        rows[0]["valid_to"] = "2026-12-01"
        return [*rows, {**rows[0], "limit_value": "2", "valid_from": "2026-12-01", "valid_to": ""}]

    load_catalogue(change_standards(tmp_path / "catalogue", next_version))
    standards = CaseStandard.objects.filter(type__code="C0101", profile="general")
    assert standards.valid_on(date(2026, 11, 30)).get().limit_value == 4
    assert standards.valid_on(date(2026, 12, 1)).get().limit_value == 2


# ── versions ──────────────────────────────────────────────────────────────────────────────────


def test_another_limit_makes_a_new_version_and_leaves_the_old_one_as_it_was(loaded):
    old = general("E0102")
    new = standard_revise(standard_id=old.pk, on=TODAY, limit_value=Decimal(3))
    old.refresh_from_db()
    assert (old.limit_value, old.valid_to) == (4, TODAY)
    assert (new.limit_value, new.valid_from, new.valid_to) == (3, TODAY, None)
    assert new.condition == old.condition


def test_mending_the_english_makes_no_new_version(loaded):
    old = general("E0102")
    mended = standard_revise(standard_id=old.pk, on=TODAY, condition_en="Rubbish in heaps")
    assert mended.pk == old.pk
    assert general("E0102").condition_en == "Rubbish in heaps"


def test_a_standard_that_has_ended_is_not_revised(loaded):
    old = general("E0102")
    standard_revise(standard_id=old.pk, on=TODAY, limit_value=Decimal(3))
    with pytest.raises(DomainError) as refused:
        standard_revise(standard_id=old.pk, on=TODAY, limit_value=Decimal(2))
    assert refused.value.code == "not_possible"


# ── finding ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("雨水井盖", "C0103"),
        ("ysjg", "C0103"),
        ("yushuijinggai", "C0103"),
        ("yu shui jing", "C0103"),
        ("c0103", "C0103"),
        ("电信井盖", "C0107"),
        ("dxjg", "C0107"),
        ("street lamp", "C0118"),
        ("暴露", "E0102"),
    ],
)
def test_a_type_is_found_by_name_sound_initials_code_alias_and_english(loaded, text, first):
    assert types_search(text, TODAY)[0].code == first


def test_nothing_is_found_where_nothing_is_called_so(loaded):
    assert types_search("宇宙飞船", TODAY) == []
    assert types_search("   ", TODAY) == []


def test_a_type_is_read_on_a_day_it_holds(loaded):
    assert type_get("c0103", TODAY).name == "雨水井盖"
    with pytest.raises(NotThere):
        type_get("C0103", date(2000, 1, 1))
    with pytest.raises(NotThere):
        type_get("C9999", TODAY)


# ── over the API ──────────────────────────────────────────────────────────────────────────────


def test_the_api_lists_all_159_types_with_their_standards(client):
    rows = client.get(URL).json()
    assert len(rows) == 159
    cover = next(row for row in rows if row["code"] == "C0103")
    assert (cover["kind"], cover["class_code"], cover["class_name"]) == (
        "component",
        "01",
        "公用设施类",
    )
    assert (cover["name"], cover["name_en"]) == ("雨水井盖", "Storm-water manhole cover")
    profiles = {standard["profile"] for standard in cover["standards"]}
    assert profiles == {"general", "engineering", "emergency"}
    assert len(cover["standards"][0]["closing_conditions"]) == 3


def test_the_whole_catalogue_costs_no_more_queries_than_a_part(client):
    with CaptureQueriesContext(connection) as whole:
        client.get(URL)
    with CaptureQueriesContext(connection) as part:
        client.get(URL, {"kind": "event"})
    assert len(whole) == len(part) <= 4


def test_the_api_searches_and_filters(client):
    assert [row["code"] for row in client.get(URL, {"q": "ysjg"}).json()] == ["C0103"]
    events = client.get(URL, {"kind": "event"}).json()
    assert len(events) == 62
    assert {row["kind"] for row in events} == {"event"}


def test_the_api_refuses_a_kind_there_is_not(client):
    answer = client.get(URL, {"kind": "thing"})
    assert answer.status_code == 400
    assert answer.json()["fields"]["kind"]


def test_nobody_without_a_token_reads_the_catalogue(loaded):
    assert APIClient().get(URL).status_code == 401
