"""The catalogue's files, as a city edits them: complete, consistent, decidable."""

import csv
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from cases.time_limits import Unit
from common.pinyin import search_keys
from components.department_kinds import DepartmentKind

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "catalogue"


def rows(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_there_are_97_component_types_in_6_classes_and_62_event_types_in_5():
    kinds = Counter(row["code"][0] for row in rows("types"))
    classes = Counter(row["kind"] for row in rows("classes"))
    assert kinds == {"C": 97, "E": 62}
    assert classes == {"component": 6, "event": 5}


def test_every_type_belongs_to_a_class_and_to_a_trade():
    classes = {(row["kind"][0].upper(), row["code"]) for row in rows("classes")}
    for row in rows("types"):
        assert (row["code"][0], row["code"][1:3]) in classes
        assert row["lead_department_kind"] in DepartmentKind.values
        assert row["name_en"]


def test_every_type_has_one_general_standard_that_applies_everywhere():
    general = Counter(
        row["type"]
        for row in rows("standards")
        if row["profile"] == "general" and not row["zone_grade"]
    )
    assert general == Counter({row["code"]: 1 for row in rows("types")})


def test_every_standard_has_a_limit_that_can_be_counted_and_something_that_closes_it():
    for row in rows("standards"):
        assert Decimal(row["limit_value"]) > 0
        assert Unit(row["limit_unit"])
        assert all(part.strip() for part in row["closing_condition"].split("|"))
        assert row["condition"]


def test_every_condition_is_told_in_english_too():
    for row in rows("standards"):
        assert row["condition_en"], row["condition"]
        english = row["closing_condition_en"].split("|")
        assert len(english) == len(row["closing_condition"].split("|")), row["type"]
        assert all(english), row["type"]


def test_a_key_zone_shortens_the_limit_and_never_lengthens_it():
    order = {"working_hour": 1, "working_day": 8}
    limits = {
        (row["type"], row["zone_grade"]): Decimal(row["limit_value"]) * order[row["limit_unit"]]
        for row in rows("standards")
        if row["profile"] == "general" and row["limit_unit"] in order
    }
    key = {code: limit for (code, grade), limit in limits.items() if grade == "key"}
    assert len(key) == 12
    assert all(limit < limits[code, ""] for code, limit in key.items())


def test_names_used_in_2005_lead_to_the_types_of_today():
    aliases = {row["name"]: row["code"] for row in rows("aliases")}
    assert aliases["电信井盖"] == "C0107"
    assert aliases["道路保洁"] == "E0104"
    assert len(aliases) == 14


def test_every_type_has_the_citys_code_and_the_national_ones_that_scheme_too():
    codes = rows("codes")
    national = {row["code"] for row in rows("types") if row["is_extension"] == "0"}
    assert {row["type"] for row in codes if row["scheme"] == "city"} == {
        row["code"] for row in rows("types")
    }
    assert {row["type"] for row in codes if row["scheme"].startswith("CJ/T 214")} == national


def test_the_schemas_of_attributes_are_schemas():
    schemas = json.loads((FOLDER / "attribute_schemas.json").read_text(encoding="utf-8"))
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
        for described in schema["properties"].values():
            assert described["title_en"]
            if any(isinstance(value, str) for value in described.get("enum", ())):
                assert len(described["enum_en"]) == len(described["enum"]), described
    used = {row["attribute_schema"] for row in rows("types")} - {""}
    assert used == set(schemas)


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("雨水井盖", "yushuijinggai", "ysjg"),
        ("输油（气）井盖", "shuyouqijinggai", "syqjg"),
        ("焚烧垃圾、树叶", "fenshaolajishuye", "fsljsy"),
        ("长滨街B座", "changbinjiebzuo", "cbjbz"),
    ],
)
def test_pinyin_and_initials_leave_punctuation_out(name, pinyin, initials):
    assert search_keys(name) == (pinyin, initials)
