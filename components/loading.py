"""Loading the catalogue from the city's own files under fixtures/catalogue/.

The files are what a city edits; their keys are codes. Loading is idempotent: types, classes,
codes and aliases follow the files; a standard, once loaded, is never overwritten, because cases
were filed under it. To change a limit in the files, give the old row an end date and add a row
that begins there (or change it in the admin, which does the same).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from common.errors import DomainError
from common.pinyin import search_keys
from components.department_kinds import DepartmentKind
from components.models import CaseStandard, CaseType, TypeAlias, TypeClass, TypeCode, TypeKind

CATALOGUE = settings.BASE_DIR / "fixtures" / "catalogue"
KINDS = {"C": TypeKind.COMPONENT, "E": TypeKind.EVENT}
LINE_BREAK = "|"  # between closing conditions in the file

Row = dict[str, str]
StandardKey = tuple[str, str, str, str, date]


@transaction.atomic
def load_catalogue(directory: Path = CATALOGUE) -> None:
    """Make the catalogue in the database what the files say; a second run changes nothing.

    Raise DomainError ``standard_in_use`` when a file changes the limit of a standard loaded before.
    """
    _load_classes(_rows(directory, "classes"))
    _load_types(directory)
    _load_codes(_rows(directory, "codes"))
    _load_aliases(_rows(directory, "aliases"))
    _load_standards(_rows(directory, "standards"))


def _rows(directory: Path, name: str) -> list[Row]:
    with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _load_classes(rows: Iterable[Row]) -> None:
    TypeClass.objects.bulk_create(
        [TypeClass(**row) for row in rows],
        update_conflicts=True,
        unique_fields=["kind", "code"],
        update_fields=["name", "name_en"],
    )


def _load_types(directory: Path) -> None:
    classes = {(row.kind, row.code): row for row in TypeClass.objects.all()}
    schemas = json.loads((directory / "attribute_schemas.json").read_text(encoding="utf-8"))
    validity = {row["type"]: row for row in _rows(directory, "codes") if row["scheme"] == "city"}
    types = [
        _type(row, classes, schemas, validity[row["code"]]) for row in _rows(directory, "types")
    ]
    fields = [field.name for field in CaseType._meta.concrete_fields if not field.primary_key]
    CaseType.objects.bulk_create(
        types,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=[name for name in fields if name != "code"],
    )


def _type(row: Row, classes: dict, schemas: dict, validity: Row) -> CaseType:
    kind = KINDS[row["code"][0]]
    pinyin, initials = search_keys(row["name"])
    schema = schemas.get(row["attribute_schema"])
    return CaseType(
        code=row["code"],
        kind=kind,
        type_class=classes[kind, row["code"][1:3]],
        name=row["name"],
        name_en=row["name_en"],
        pinyin=pinyin,
        initials=initials,
        is_extension=row["is_extension"] == "1",
        lead_department_kind=DepartmentKind(row["lead_department_kind"]),
        lead_department_text=row["lead_department_text"],
        is_self_handling_allowed=row["is_self_handling_allowed"] == "1",
        is_check_skippable=row["is_check_skippable"] == "1",
        direct_filing_sources=row["direct_filing_sources"].split(),
        attribute_schema={"type": "object", "additionalProperties": False, **schema}
        if schema
        else {},
        geometry_kinds=row["geometry_kinds"].split(),
        valid_from=_day(validity["valid_from"]),
        valid_to=_day(validity["valid_to"]),
    )


def _load_codes(rows: list[Row]) -> None:
    types = _types_by_code()
    known = {(code.scheme, code.code, code.valid_from): code for code in TypeCode.objects.all()}
    new = []
    for row in rows:
        code = known.get((row["scheme"], row["code"], _day(row["valid_from"])))
        if code is None:
            new.append(
                TypeCode(
                    type=types[row["type"]],
                    scheme=row["scheme"],
                    code=row["code"],
                    valid_from=_day(row["valid_from"]),
                    valid_to=_day(row["valid_to"]),
                )
            )
        elif code.valid_to != _day(row["valid_to"]):
            code.valid_to = _day(row["valid_to"])
            code.save(update_fields=["valid_to"])
    TypeCode.objects.bulk_create(new)


def _load_aliases(rows: Iterable[Row]) -> None:
    types = _types_by_code()
    aliases = []
    for row in rows:
        pinyin, initials = search_keys(row["name"])
        aliases.append(
            TypeAlias(type=types[row["code"]], name=row["name"], pinyin=pinyin, initials=initials)
        )
    TypeAlias.objects.bulk_create(
        aliases,
        update_conflicts=True,
        unique_fields=["type", "name"],
        update_fields=["pinyin", "initials"],
    )


def _load_standards(rows: list[Row]) -> None:
    types = _types_by_code()
    known = {_key(row): row for row in CaseStandard.objects.select_related("type")}
    standards = [_standard(row, types) for row in rows]
    for standard in standards:
        loaded = known.get(_key(standard))
        if loaded is not None:
            _compare(loaded, standard)
    CaseStandard.objects.bulk_create([row for row in standards if _key(row) not in known])


def _standard(row: Row, types: dict[str, CaseType]) -> CaseStandard:
    case_type = types[row["type"]]
    return CaseStandard(
        type=case_type,
        zone_grade=row["zone_grade"],
        profile=row["profile"],
        condition=row["condition"],
        condition_en=row["condition_en"],
        limit_value=Decimal(row["limit_value"]),
        limit_unit=row["limit_unit"],
        closing_condition=row["closing_condition"].replace(LINE_BREAK, "\n"),
        closing_condition_en=row["closing_condition_en"].replace(LINE_BREAK, "\n"),
        lead_department_kind=case_type.lead_department_kind,
        source=row["source"],
        valid_from=_day(row["valid_from"]),
        valid_to=_day(row["valid_to"]),
    )


def _key(standard: CaseStandard) -> StandardKey:
    return (
        standard.type.code,
        standard.zone_grade,
        standard.profile,
        standard.condition,
        standard.valid_from,
    )


def _compare(loaded: CaseStandard, filed: CaseStandard) -> None:
    """Let the file end a standard and complete its English; refuse another limit under its key."""
    if (loaded.limit_value, loaded.limit_unit) != (filed.limit_value, filed.limit_unit):
        raise DomainError(
            "standard_in_use",
            _(
                "The file changes the limit of %(type)s (%(profile)s), which is in use: "
                "end that row and add a new one."
            )
            % {"type": filed.type, "profile": filed.profile},
        )
    english = ("condition_en", "closing_condition_en")
    changed = [name for name in english if getattr(loaded, name) != getattr(filed, name)]
    if filed.valid_to and loaded.valid_to is None:
        changed.append("valid_to")
    for name in changed:
        setattr(loaded, name, getattr(filed, name))
    if changed:
        loaded.save(update_fields=changed)


def _types_by_code() -> dict[str, CaseType]:
    return {row.code: row for row in CaseType.objects.all()}
