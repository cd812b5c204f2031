"""What the texts of a column mean: each different text is understood once, however often it stands.

A million rows hold a few thousand words. ``Dictionary.meaning`` is the one place that knows how
people write types, bodies, states, accuracies, days and attributes; rows are joined with its
answers in the database.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from math import isfinite
from typing import Any

from jsonschema import Draft202012Validator

from accounts.models import City, Organisation
from components.census.reading.layout import SEPARATOR
from components.models import CaseType, Component, TypeAlias, TypeCode, TypeKind

ATTRIBUTES = "attributes"
MANY = -1  # several rows go by this name
PROBLEMS_END = "\x1e"

_STATES = {
    Component.State.INTACT: "intact 完好 正常 良好 在用 ok good",
    Component.State.DAMAGED: "damaged 破损 损坏 破坏 bad",
    Component.State.LOST: "lost 丢失 缺失 missing",
    Component.State.ABANDONED: "abandoned 废弃 报废 停用",
}
STATES = {word: state.value for state, words in _STATES.items() for word in words.split()}
_DAY = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[ T]\d.*)?")
_SHORT_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{6})?")
_ACCURACY = re.compile(r"([abc])(?:级|类)?", re.IGNORECASE)
EARLIEST = date(1800, 1, 1)
TRUE = {"1", "true", "yes", "y", "t", "是", "有", "√"}
FALSE = {"0", "false", "no", "n", "f", "否", "无", "×"}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a text means; ``problem`` says why it means nothing."""

    ref: int | None = None
    code: str = ""
    day: date | None = None
    data: dict[str, Any] | None = None
    problem: str = ""


class Dictionary:
    """The words of a city on a day, and those a mapping adds to them."""

    def __init__(self, *, city: City, on: date, mapping: Mapping[str, Any]) -> None:
        self.city = city
        self.on = on
        self.translations: Mapping[str, Mapping[str, str]] = mapping.get("values", {})
        self.attributes = tuple(mapping.get("attributes", {}))
        self._validators: dict[int, Draft202012Validator] = {}

    def meaning(self, field: str, text: str) -> Meaning:
        """Return what a text of a field means."""
        if field == ATTRIBUTES:
            return self._attributes(text)
        text = self.translations.get(field, {}).get(text, text)
        match field:
            case "type":
                return self._type(text)
            case "competent_body" | "owner" | "maintainer":
                return self._body(field, text)
            case "state":
                code = STATES.get(text.lower(), "")
                return Meaning(code=code, problem="" if code else "unknown_state")
            case "accuracy":
                found = _ACCURACY.fullmatch(text)
                return (
                    Meaning(code=found[1].upper()) if found else Meaning(problem="unknown_accuracy")
                )
        return self._day(field, text)

    def type_of(self, text: str) -> CaseType | None:
        """Return the component type a text names."""
        text = self.translations.get("type", {}).get(text, text)
        found = self._types.get(_plain(text), self._types.get(_plain(text).zfill(4)))
        return self.types.get(found or 0)

    @cached_property
    def types(self) -> dict[int, CaseType]:
        """The types of components there are."""
        rows = CaseType.objects.valid_on(self.on).filter(kind=TypeKind.COMPONENT)
        return {row.pk: row for row in rows}

    @cached_property
    def _types(self) -> dict[str, int]:
        named = [
            (name, row.pk)
            for row in self.types.values()
            for name in (row.code, row.name, row.name_en)
        ]
        codes = TypeCode.objects.valid_on(self.on).filter(type__in=self.types)
        named += codes.values_list("code", "type_id")
        named += TypeAlias.objects.filter(type__in=self.types).values_list("name", "type_id")
        return _only(named)

    @cached_property
    def _events(self) -> set[str]:
        rows = CaseType.objects.filter(kind=TypeKind.EVENT).values_list("code", "name")
        return {_plain(name) for row in rows for name in row}

    @cached_property
    def _bodies(self) -> dict[str, int]:
        rows = Organisation.objects.filter(city=self.city, is_active=True)
        named = [
            (name, pk)
            for pk, *names in rows.values_list("pk", "code", "name", "name_en")
            for name in names
            if name
        ]
        return _only(named)

    def _type(self, text: str) -> Meaning:
        found = self._types.get(_plain(text), self._types.get(_plain(text).zfill(4)))
        if found == MANY:
            return Meaning(problem="ambiguous_type")
        if found is None:
            is_event = _plain(text) in self._events
            return Meaning(problem="not_component" if is_event else "unknown_type")
        return Meaning(ref=found)

    def _body(self, field: str, text: str) -> Meaning:
        found = self._bodies.get(_plain(text))
        if found is None:
            return Meaning(problem=f"unknown_body:{field}")
        return Meaning(ref=found) if found != MANY else Meaning(problem=f"ambiguous_body:{field}")

    def _day(self, field: str, text: str) -> Meaning:
        found = _SHORT_DAY.fullmatch(text) or _DAY.fullmatch(text)
        try:
            day = date(*map(int, found.groups())) if found else None
        except ValueError:
            day = None
        if day is None or not EARLIEST <= day <= self.on:
            return Meaning(problem=f"bad_date:{field}")
        return Meaning(day=day)

    def _attributes(self, text: str) -> Meaning:
        """Return the attributes of a type's text and the texts of the attributes' columns."""
        type_text, *texts = text.split(SEPARATOR)
        case_type = self.type_of(type_text)
        if case_type is None:
            return Meaning(data={})
        schema = case_type.attribute_schema or {"additionalProperties": False}
        known = schema.get("properties", {})
        given = {
            name: _value(value, known.get(name, {}))
            for name, value in zip(self.attributes, texts, strict=True)
            if value
        }
        validator = self._validators.get(case_type.pk)
        if validator is None:
            validator = self._validators[case_type.pk] = Draft202012Validator(schema)
        names = sorted(
            {name for error in validator.iter_errors(given) for name in _names(error, given)}
        )
        problems = PROBLEMS_END.join(f"attribute:{name}" for name in names)
        return Meaning(data=given, problem=problems)


def _names(error: Any, given: Mapping[str, Any]) -> Iterable[str]:
    """Return which attributes an error of a schema is about."""
    if error.absolute_path:
        return [str(error.absolute_path[0])]
    if error.validator == "required":
        return [name for name in error.validator_value if name not in given]
    if error.validator == "additionalProperties":
        return [name for name in given if name not in error.schema.get("properties", {})]
    return [ATTRIBUTES]


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """Return a text as what the schema asks for; the text itself where it is not like that."""
    text = text.strip()
    wanted = schema.get("type")
    choices = schema.get("enum", ())
    if wanted == "boolean":
        return True if text.lower() in TRUE else False if text.lower() in FALSE else text
    is_numeric = wanted in ("integer", "number") or any(isinstance(one, int) for one in choices)
    if not is_numeric:
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    if not isfinite(number):  # "nan" and the like, which JSON has not
        return text
    return int(number) if number.is_integer() else number


def _only(named: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return what goes by each name, MANY where several do."""
    found = defaultdict(set)
    for name, pk in named:
        found[_plain(name)].add(pk)
    found.pop("", None)
    return {name: pks.pop() if len(pks) == 1 else MANY for name, pks in found.items()}


def _plain(text: str) -> str:
    return text.strip().lower()
