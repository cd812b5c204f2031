"""How the register is narrowed: every parameter named, everything else refused.

The ledger's page, the API, exports and bulk changes read the same parameters here, so that each of
them means exactly the same components. Codes are turned into ids first: the planner knows how
many rows an id has, and walks an index in the ledger's order for several of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.contrib.gis.geos import Polygon
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from common.errors import DomainError
from common.rows import rows_estimate
from common.templatetags.ui import named
from components.models import CaseType, Component, TypeClass, TypeKind
from components.register.models import BodyRole
from components.register.panels import LEDGER_FILTERS
from components.register.search import reading_of, road_reading
from grid.models import SRID, Area

IN_USE, ENDED, ALL = "in_use", "ended", "all"
MAX_VALUES = 200  # of one parameter
MAX_READ = 300_000  # rows in which words are looked for: a third of a second


@dataclass(frozen=True, slots=True)
class Condition:
    """What one parameter keeps, and how a page says it."""

    where: Q
    label: str
    words: str
    kind: str = ""  # what the order of the ledger follows from: see components.register.ledger


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose city is searched, and what else stands in the address."""

    city_id: int
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The components of a filter, and the filter in words."""

    rows: QuerySet[Component]
    query: dict[str, str]
    conditions: list[Condition] = field(default_factory=list)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its conditions."""
        return frozenset(each.kind for each in self.conditions if each.kind)


Reader = Callable[[str, Scope], Condition]


def rows_of_address(user: User, query: QueryDict, _now: datetime) -> QuerySet[Component]:
    """Return the components that an address of the ledger shows."""
    return register_filter(user, query.dict()).rows


def register_filter(user: User, query: Mapping[str, str]) -> Narrowed:
    """Return the components a person may see that fit the parameters; empty ones are ignored.

    Raise DomainError ``invalid`` for an unknown parameter or a value that means nothing.
    """
    for name, raw in query.items():
        if raw and "\x00" in raw:
            raise invalid(name, _("This contains characters that cannot be searched."))
        if raw and name not in READERS and name not in BESIDE and name not in LEDGER_FILTERS:
            raise invalid(name, _("There is no such filter."))
    given = {name: query[name].strip() for name in parameters() if query.get(name, "").strip()}
    rows = Component.objects.visible_to(user)
    if user.city_id is None:
        return Narrowed(rows, given)
    conditions = list(_conditions(user, Scope(user.city_id, given)))
    for condition in sorted(conditions, key=lambda each: each.kind == "words"):
        if condition.kind == "words":
            _few_enough_to_read(rows)
        rows = rows.filter(condition.where)
    return Narrowed(rows, given, conditions)


def _conditions(user: User, scope: Scope) -> Iterator[Condition]:
    given = scope.query
    yield from (read(given[name], scope) for name, read in READERS.items() if name in given)
    if "use" not in given:
        yield Condition(Q(retired_date__isnull=True), "", "")
    for name, ledger_filter in LEDGER_FILTERS.items():
        if name in given:
            _one_of(name, given[name], ("yes",))
            yield Condition(ledger_filter.where(user), "", str(ledger_filter.label))


def _few_enough_to_read(rows: QuerySet[Component]) -> None:
    """Refuse to look for words in more rows than can be read while somebody waits.

    An index of all three letters in a row would cost the census more than it gives: two characters,
    the usual length of a Chinese word, it could not even find.
    """
    if rows_estimate(rows) > MAX_READ:
        message = _("Words are looked for in a part only: choose a street, road or body first.")
        raise invalid("q", message)


def invalid(name: str, message: str) -> DomainError:
    """Return the refusal of a parameter."""
    return DomainError("invalid", message, {name: [message]})


def _one_of(name: str, raw: str, values: Iterable[str]) -> str:
    if raw not in values:
        raise invalid(name, _("Choose one of: %(values)s.") % {"values": ", ".join(values)})
    return raw


def _several(name: str, raw: str) -> list[str]:
    values = [value.strip() for value in raw.split(",") if value.strip()]
    if not 0 < len(values) <= MAX_VALUES:
        raise invalid(name, _("There is nothing to choose from."))
    return values


def _day(name: str, raw: str) -> date:
    try:
        day = parse_date(raw)
    except ValueError:
        day = None
    if day is None:
        raise invalid(name, _("This must be a date."))
    return day


def _class(raw: str, scope: Scope) -> Condition:
    classes = TypeClass.objects.filter(kind=TypeKind.COMPONENT, code__in=_several("class", raw))
    names = {row.pk: named(row) for row in classes}
    types = CaseType.objects.filter(type_class__in=names).values_list("pk", flat=True)
    if not names:
        raise invalid("class", _("There is no such class."))
    return Condition(Q(type__in=list(types)), _("Class"), ", ".join(names.values()), "type")


def _type(raw: str, scope: Scope) -> Condition:
    codes = [code.upper() for code in _several("type", raw)]
    types = list(CaseType.objects.filter(kind=TypeKind.COMPONENT, code__in=codes))
    if len(types) != len(set(codes)):
        raise invalid("type", _("There is no such type."))
    words = ", ".join(f"{row.code[1:]} {named(row)}" for row in types)
    return Condition(Q(type__in=[row.pk for row in types]), _("Type"), words, "type")


def _state(raw: str, scope: Scope) -> Condition:
    wanted = [_one_of("state", value, Component.State.values) for value in _several("state", raw)]
    words = ", ".join(str(Component.State(value).label) for value in wanted)
    return Condition(Q(state__in=wanted), _("State"), words)


def _use(raw: str, scope: Scope) -> Condition:
    where = {
        IN_USE: Q(retired_date__isnull=True),
        ENDED: Q(retired_date__isnull=False),
        ALL: Q(),
    }[_one_of("use", raw, (IN_USE, ENDED, ALL))]
    words = {IN_USE: _("in use"), ENDED: _("no longer in use"), ALL: _("in use or ended")}[raw]
    return Condition(where, _("In use"), words)


def _ending(raw: str, scope: Scope) -> Condition:
    ending = Component.Ending(_one_of("ending", raw, Component.Ending.values))
    return Condition(Q(ending=ending), _("Why it ended"), str(ending.label))


# How a community finds the area of a level that it lies in.
ABOVE = {"district": "parent__parent__", "street": "parent__", "community": ""}


def communities_in(city_id: int, level: str, code: str) -> list[int]:
    """Return the communities, past ones too, of an area by its current code."""
    communities = Area.objects.filter(city=city_id, level=Area.Level.COMMUNITY)
    return list(communities.filter(**{f"{ABOVE[level]}code": code}).values_list("pk", flat=True))


def _area(level: str) -> Reader:
    def read(raw: str, scope: Scope) -> Condition:
        area = Area.objects.filter(city=scope.city_id, level=level, code=raw).first()
        if area is None:
            raise invalid(level, _("There is no such area."))
        where = Q(community__in=communities_in(scope.city_id, level, raw))
        return Condition(where, str(Area.Level(level).label), named(area), "area")

    return read


def _body(raw: str, scope: Scope) -> Condition:
    role = BodyRole(_one_of("role", scope.query.get("role") or "maintainer", BodyRole.values))
    if raw == "none":
        return Condition(Q(**{f"{role}__isnull": True}), str(role.label), _("nobody"), "body")
    body = Organisation.objects.filter(city=scope.city_id, code=raw).first()
    if body is None:
        raise invalid("body", _("There is no such organisation."))
    return Condition(Q(**{role.value: body.pk}), str(role.label), named(body), "body")


def _accuracy(raw: str, scope: Scope) -> Condition:
    wanted = [
        _one_of("accuracy", value.upper(), Component.Accuracy.values)
        for value in _several("accuracy", raw)
    ]
    return Condition(Q(accuracy__in=wanted), _("Positional accuracy"), ", ".join(wanted))


def _surveyed_from(raw: str, scope: Scope) -> Condition:
    day = _day("surveyed_from", raw)
    return Condition(Q(surveyed_date__gte=day), _("surveyed from"), day.isoformat(), "surveyed")


def _surveyed_before(raw: str, scope: Scope) -> Condition:
    day = _day("surveyed_before", raw)
    return Condition(Q(surveyed_date__lt=day), _("surveyed before"), day.isoformat(), "surveyed")


def _bbox(raw: str, scope: Scope) -> Condition:
    """Keep what stands in a box; by ``component_tile``, whose column has the tiles' projection."""
    try:
        west, south, east, north = (float(part) for part in raw.split(","))
    except ValueError:
        west = math.nan
    if not (math.isfinite(west) and -180 <= west < east <= 180 and -85 <= south < north <= 85):
        raise invalid("bbox", _("A box is west,south,east,north in degrees."))
    box = Polygon.from_bbox((west, south, east, north))
    box.srid = SRID
    return Condition(Q(tile_point__bboverlaps=box), _("Box"), raw, "local")


def _road(raw: str, scope: Scope) -> Condition:
    reading = road_reading(raw, scope.city_id)
    if reading is None:
        raise invalid("road", _("There is no such road."))
    return Condition(reading.where(""), str(reading.label), reading.words, reading.kind)


def _words(raw: str, scope: Scope) -> Condition:
    reading = reading_of(raw, city_id=scope.city_id, wanted=scope.query.get("read_as", ""))
    role = BodyRole(_one_of("role", scope.query.get("role") or "maintainer", BodyRole.values))
    return Condition(reading.where(role.value), str(reading.label), reading.words, reading.kind)


READERS: dict[str, Reader] = {
    "q": _words,
    "class": _class,
    "type": _type,
    "state": _state,
    "use": _use,
    "ending": _ending,
    "district": _area("district"),
    "street": _area("street"),
    "community": _area("community"),
    "body": _body,
    "accuracy": _accuracy,
    "surveyed_from": _surveyed_from,
    "surveyed_before": _surveyed_before,
    "road": _road,
    "bbox": _bbox,
}
# They say how another parameter is meant, or how the page looks.
MEANT = ("role", "read_as")
LOOKS = ("cursor", "page_size", "ordering", "format", "column", "density")
BESIDE = frozenset({*MEANT, *LOOKS})


def parameters() -> list[str]:
    """Return the names of all parameters that say which components are meant."""
    return [*READERS, *MEANT, *LEDGER_FILTERS]
